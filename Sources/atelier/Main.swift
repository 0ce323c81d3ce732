import Commands

@main
struct Main {
  static func main() { Atelier.main() }
}
