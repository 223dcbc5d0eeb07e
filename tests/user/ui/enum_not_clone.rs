use dk_data::TextEnum;

#[derive(TextEnum)]
enum Role {
    Reader,
    Writer,
}

fn main() {
    let _ = (Role::Reader, Role::Writer);
}
