import ArgumentParser
import Foundation
import Torch
import Workshop

/// The command line. A package with a family of its own registers it (`register`) and calls `main`.
public struct Atelier: ParsableCommand {
  public static let configuration = CommandConfiguration(
    commandName: "atelier",
    abstract: "A studio for generative art: train image generators on your own pictures, and edit pictures and films.",
    discussion: """
      Start with `atelier studio`, which opens in a browser, with `atelier demo`, or with a folder of 30 pictures or more:
        atelier inspect PICTURES
        atelier train PICTURES --minutes 20
        atelier generate RUN --seeds 0-63 --grid --out DIR
        atelier restyle PHOTO --style PAINTING --out FILE
        atelier enlarge PICTURE --out FILE
        atelier vary PICTURE --seeds 0-8 --out DIR
        atelier texture PICTURE --out FILE
        atelier fill PICTURE --mask MASK --out FILE
        atelier animate PICTURE --with CLIP --out FILE
        atelier inbetween CLIP --out FILE
        atelier compare RUN RUN --against PICTURES --out FILE
      """,
    version: "atelier \(Product.version), LibTorch \(LibTorch.version)",
    subcommands: [
      DemoCommand.self, Inspect.self, Train.self, Generate.self, RestyleCommand.self, EnlargeCommand.self,
      VaryCommand.self, TextureCommand.self, FillCommand.self, FilmCommand.self, LiveCommand.self, AnimateCommand.self,
      InbetweenCommand.self,
      Measure.self, CompareCommand.self, ProjectCommand.self, SlidersCommand.self, ReconstructCommand.self,
      AttributeCommand.self,
      ModelsCommand.self, RecipesCommand.self, StudioCommand.self, DoctorCommand.self,
    ])

  public init() {}

  /// What was typed after the program's name.
  nonisolated(unsafe) private(set) static var words: [String] = []

  /// Runs the verb that `words` name, the process's arguments otherwise. Tells the world's errors in one sentence on standard error, with
  /// their exit codes (see `Exit`).
  public static func main(_ words: [String]? = nil) {
    #if canImport(Glibc)
      // At exit LibTorch would remove thousands of operators one by one, which takes a tenth of a second and more.
      on_exit(
        { status, _ in
          fflush(nil)
          _exit(status)
        }, nil)
    #endif
    Self.words = words ?? Array(CommandLine.arguments.dropFirst())
    Interruption.unblock()
    Memory.whenExhausted = { _ in leave(after: NoMemory()) }
    do {
      try expectReadableArguments()
      var arguments = Self.words
      if arguments.first == "train" { arguments = ["train"] + Train.settled(Array(arguments.dropFirst())) }
      var command = try parseAsRoot(arguments)
      guard LibTorch.loadedVersion.hasPrefix(LibTorch.version) else { throw WrongLibrary() }
      try command.run()
      Console.leaveIfFailed()
    } catch {
      Console.leaveIfFailed()
      leave(after: error)
    }
  }

  /// Swift repairs what isn't UTF-8, and would look for, or write, a file of another name.
  private static func expectReadableArguments() throws(UnreadableArgument) {
    for i in 1..<max(1, Int(CommandLine.argc)) {
      guard let argument = CommandLine.unsafeArgv[i], String(validatingCString: argument) == nil else { continue }
      throw UnreadableArgument(bytes: (0..<strlen(argument)).map { UInt8(bitPattern: argument[$0]) })
    }
  }

  /// Ends with the error's sentence and exit code; with --json its event is the last line.
  private static func leave(after error: any Error) -> Never {
    let explained = error as? any Explained
    let code = explained?.exit.rawValue ?? exitCode(for: error).rawValue
    if code == EXIT_SUCCESS {
      // A help text: a disk that is full is no reason to be silent.
      Console.write(fullMessage(for: error) + "\n")
      Foundation.exit(code)
    }
    if Self.words.contains("--json") {
      let words = explained?.sentence ?? message(for: error)
      Console.write(Event.failed(text: words, exitCode: Int(code)).json + "\n")
    }
    guard let explained else { exit(withError: error) }
    Console.complain("atelier: \(explained.sentence)")
    Foundation.exit(code)
  }
}

/// A file's name from a system of other letters, as old archives and disks have it.
private struct UnreadableArgument: Explained {
  let bytes: [UInt8]
  var sentence: String {
    let shown = String(fileName: bytes)
    return "The name \(shown) has bytes that aren't UTF-8: rename it, or name the folder that it is in."
  }
  var exit: Exit { .usage }
}

/// LibTorch's memory, that is: enough is left to say so.
private struct NoMemory: Explained {
  var sentence: String {
    "There isn't enough memory for that: use smaller pictures, a smaller --batch, or settings with fewer units."
  }
  var exit: Exit { .unavailable }
}

/// Another LibTorch was loaded than the one built against: it would crash or hang later.
private struct WrongLibrary: Explained {
  var sentence: String {
    "LibTorch \(LibTorch.loadedVersion) was loaded, but this was built with \(LibTorch.version): "
      + "unset LD_LIBRARY_PATH, or build again with ./atelier."
  }
  var exit: Exit { .unavailable }
}
