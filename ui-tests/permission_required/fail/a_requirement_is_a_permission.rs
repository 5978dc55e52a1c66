use auth::access::Granted;

fn publish(granted: Granted<String>) {
    println!("{granted:?}");
}

fn main() {}
