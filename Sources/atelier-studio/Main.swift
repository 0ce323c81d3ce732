import Studio

/// The studio's server: see `StudioProgram`.
@main struct Main {
  static func main() async { await StudioProgram.main(Array(CommandLine.arguments.dropFirst())) }
}
