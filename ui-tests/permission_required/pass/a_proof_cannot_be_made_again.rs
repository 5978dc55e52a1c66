//! A proof has no `Clone`, no `Copy`, no `Default` and no `Deserialize`: with any of them, `proof` below would be ambiguous.
use auth::access::Granted;

mod permissions {
    auth::permissions! { blog { publish_post: "Can publish posts"; } }
}

trait MadeOnce<Way> {
    fn proof() {}
}
struct Clones;
struct Defaults;
struct Deserialises;
impl<T> MadeOnce<()> for T {}
impl<T: Clone> MadeOnce<Clones> for T {}
impl<T: Default> MadeOnce<Defaults> for T {}
impl<T: serde::de::DeserializeOwned> MadeOnce<Deserialises> for T {}

fn main() {
    <Granted<permissions::blog::publish_post> as MadeOnce<_>>::proof();
    assert_eq!(size_of::<Granted<permissions::blog::publish_post>>(), 0);
}
