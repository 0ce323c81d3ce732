import ArgumentParser

@main
struct Atelier: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "atelier")
}
