mod permissions {
    auth::permissions! {
        blog {
            model BlogPost;
            model: "Can model";
            type: "Can type";
            r#gen: "Can generate"
        }
        type { model Type; }
        empty {}
    }
}

use auth::permissions::{DeclaredPermission as _, PermissionEntry};

/// The names are types only: a value may be called the same.
#[expect(unused_variables)]
fn main() {
    use permissions::blog::add_blogpost;
    let add_blogpost = add_blogpost::NAME;
    let names: Vec<_> = auth::registry::entries::<PermissionEntry>()
        .into_iter()
        .map(|entry| (entry.name, entry.title, entry.place.line))
        .filter(|(name, ..)| name.starts_with("blog"))
        .collect();
    assert_eq!(
        names,
        [
            ("blog.add_blogpost", "Can add blog post", 4),
            ("blog.change_blogpost", "Can change blog post", 4),
            ("blog.delete_blogpost", "Can delete blog post", 4),
            ("blog.gen", "Can generate", 7),
            ("blog.model", "Can model", 5),
            ("blog.type", "Can type", 6),
            ("blog.view_blogpost", "Can view blog post", 4),
        ]
    );
    assert_eq!(permissions::r#type::view_type::NAME, "type.view_type");
}
