import Foundation
import Testing

/// The programs in `Scripts`, with a Python that has no packages: help, and a sentence for what is wrong or missing.
@Suite struct ScriptTests {
  static let scripts = try! ["Scripts", "Scripts/peers"].flatMap { folder in
    try FileManager.default.contentsOfDirectory(atPath: "\(Binary.root)/\(folder)").sorted()
      .filter { $0.hasSuffix(".py") || !$0.contains(".") && $0 != "peers" && $0 != "__pycache__" }
      // Modules of the others.
      .filter { $0 != "plain_studio.py" }
      .map { "\(folder)/\($0)" }
  }

  @Test(arguments: scripts) func help(_ script: String) throws {
    try inTree { tree in
      let before = try tree.files()
      let name = try String(#require(script.split(separator: "/").last?.split(separator: ".").first))
      for flag in ["--help", "-h"] {
        let outcome = try tree.run([script, flag])
        #expect(outcome.status == 0 && outcome.err == "", "\(outcome.err)")
        #expect(outcome.out.contains(name) && !outcome.out.contains("Traceback"), "\(outcome.out)")
      }
      #expect(try tree.files() == before)
    }
  }

  private static let wrong: [(words: String, status: Int32)] = [
    ("Scripts/digits.py --pictures", 64),
    ("Scripts/digits.py --nonsense", 64),
    ("Scripts/digits.py nothing.whl", 66),
    ("Scripts/digits.py Scripts/setup", 65),
    ("Scripts/sprites.py nothing out", 66),
    ("Scripts/seams.py Scripts/setup 928", 69),
    ("Scripts/fuzz.py", 66),
    ("Scripts/fuzz.py --nonsense", 64),
    ("Scripts/peers/generate.py", 69),
    ("Scripts/first_sheet.py nothing new", 66),
    ("Scripts/peers/dense.py many", 64),
    ("Scripts/peers/dense_keras.py many", 64),
    ("Scripts/peers/r3gan_torch.py 100 8", 64),
    ("Scripts/peers/style_torch.py rate", 64),
  ]

  @Test(arguments: wrong) func sentence(_ words: String, _ status: Int32) throws {
    try inTree { tree in
      try expectSentence(tree.run(words.split(separator: " ").map(String.init)), exit: status)
    }
  }

  @Test(arguments: [
    "Scripts/setup --nonsense", "Scripts/setup --tests --help", "Scripts/emoji", "Scripts/emoji --nonsense",
    "Scripts/portraits", "Scripts/portraits --nonsense",
  ])
  func usage(_ words: String) throws {
    try inTree { tree in
      let before = try tree.files()
      let outcome = try tree.run(words.split(separator: " ").map(String.init))
      #expect(outcome.status == 64 && outcome.out == "" && outcome.err.hasPrefix("Usage: Scripts/"), "\(outcome.err)")
      #expect(try tree.files() == before)
    }
  }

  @Test func digitsWithoutNetwork() throws {
    try inTree { tree in
      let outcome = try tree.run(
        ["Scripts/digits.py", "--pictures", "pictures"],
        [
          // Nothing listens there; pip's own files may name a folder of wheels.
          "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": "/dev/null", "PIP_RETRIES": "0",
          "PIP_DEFAULT_TIMEOUT": "1",
        ])
      expectSentence(outcome, exit: 69)
      #expect(outcome.err.contains("connect to the network"))
      #expect(try tree.files().filter { $0.hasPrefix(".cache/") || $0.hasPrefix("pictures") } == [])
    }
  }

  private func expectSentence(
    _ outcome: Binary.Outcome, exit status: Int32, at location: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.status == status && outcome.out == "", sourceLocation: location)
    #expect(
      outcome.err.split(separator: "\n", omittingEmptySubsequences: false).count == 2
        && outcome.err.contains(".py: ") && outcome.err.hasSuffix(".\n"), "\(outcome.err)", sourceLocation: location)
  }
}

/// A copy of `Scripts`, and nothing else of the checkout.
private struct Tree {
  let folder: String

  func files() throws -> [String] { try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/tree").sorted() }

  /// - Parameter variables: of the environment; pip's own are left out.
  func run(_ words: [String], _ variables: [String: String] = [:]) throws -> Binary.Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = (words[0].hasSuffix(".py") ? ["python3", "-I", "-S", "-B"] : ["bash"]) + words
    process.currentDirectoryURL = URL(fileURLWithPath: "\(folder)/tree")
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("PIP_") }
      .merging(["TMPDIR": "\(folder)/tree/temporary"]) { $1 }.merging(variables) { $1 }
    process.standardInput = FileHandle.nullDevice
    let (out, err) = ("\(folder)/out", "\(folder)/err")
    for file in [out, err] { try Data().write(to: URL(fileURLWithPath: file)) }
    process.standardOutput = FileHandle(forWritingAtPath: out)
    process.standardError = FileHandle(forWritingAtPath: err)
    try process.run()
    return try Binary.Running(process, out: out, err: err).finish(seconds: 60)
  }
}

private func inTree(_ body: (Tree) throws -> Void) throws {
  try inFolder { atelier in
    try atelier.make("tree/temporary")
    try atelier.copy("\(Binary.root)/Scripts", to: "tree/Scripts")
    try body(Tree(folder: atelier.folder))
  }
}
