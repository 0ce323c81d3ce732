import Foundation
import TestSupport
import Testing
import Torch
import Training
import Workshop

/// A generator's weights go to PyTorch by name, and come from there, and make the same pictures.
@Suite struct PyTorchTests {
  /// Both are float32, and sum in other orders.
  static let tolerance = 1e-5

  /// The environment that `Scripts/setup --tests` makes; `ATELIER_PYTHON` names another with the same PyTorch.
  private static func python(_ arguments: [String]) throws -> String {
    let named = ProcessInfo.processInfo.environment["ATELIER_PYTHON"]
    let path = named ?? "\(Binary.root)/.venv/bin/python"
    try #require(
      FileManager.default.isExecutableFile(atPath: path),
      "There is no Python with PyTorch at \(path): run Scripts/setup --tests, or set ATELIER_PYTHON.")
    let process = Process(), output = Pipe()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["\(Binary.root)/Tests/Goldens/generator.py"] + arguments
    (process.standardOutput, process.standardInput) = (output, FileHandle.nullDevice)
    try process.run()
    let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "generator.py failed")
    return words
  }

  @Test(arguments: [
    [
      "--recipe", "dcgan", "--size", "32", "--width", "4", "--batch", "4", "--latent", "8", "--rate", "0.02",
      "--average-half-life", "1",
    ],
    [
      "--recipe", "r3gan", "--size", "32", "--widths", "16,12,8", "--blocks", "1,2,1", "--discriminator-widths",
      "16,12,8",
      "--discriminator-blocks", "1,1,1", "--batch", "4", "--latent", "8", "--w-size", "12",
    ],
  ])
  func toPyTorch(_ settings: [String]) throws {
    try inFolder { atelier in
      let trained = try atelier.run(
        ["train", Binary.pictures, "--run", "run", "--pictures-seen", "24"] + settings)
      try #require(trained.status == 0, "\(trained.err)")
      let generator = try Generator("\(atelier.folder)/run", in: Workspace("\(atelier.folder)/workspace"))
      let made = try generator.pictureModel().sample(seeds: [0, 1, 2, 3, 4])
      #expect(made.std(dims: [0]).max().item() > 1e-3, "five pictures, not five times one")
      try Safetensors.write(["pictures": made], to: "\(atelier.folder)/made.safetensors")
      let difference = try Self.python(["check", generator.path, "\(atelier.folder)/made.safetensors"])
      let largest = try #require(Double(difference.trimmingCharacters(in: .whitespacesAndNewlines)))
      #expect(largest < Self.tolerance)
    }
  }

  @Test(arguments: ["dcgan", "r3gan"]) func fromPyTorch(_ recipe: String) throws {
    try inFolder { atelier in
      _ = try Self.python(
        ["make", recipe, "\(atelier.folder)/theirs.pth", "\(atelier.folder)/theirs.safetensors"])
      let imported = try atelier.run("models", "import", "theirs.pth", "--as", recipe)
      #expect(imported.status == 0, "\(imported.err)")
      let generator = try Generator("theirs", in: Workspace("\(atelier.folder)/workspace"))
      let theirs = try Safetensors.read("\(atelier.folder)/theirs.safetensors").tensors["pictures"]!
      let mine = try generator.pictureModel().sample(seeds: [0, 1, 2, 3, 4])
      #expect(mine.shape == theirs.shape)
      #expect(abs(mine - theirs).max().item() < Self.tolerance)
      #expect(try atelier.run("generate", "theirs", "--seeds", "0-4", "--grid", "--out", "made").status == 0)
    }
  }

  private static let layouts = [
    "plain": "", "nested": "models.netG_state_dict", "parallel": "module", "without-biases": "", "with-biases": "",
    "optimizer": "g_ema", "dense": "",
  ]
  /// All of them, from one start of Python.
  private static let saved = Result {
    let folder = try sharedFolder("atelier-layouts")
    _ = try python(["layouts", folder] + layouts.keys)
    return folder
  }

  /// Files as people save them: their names and shapes tell what they are, and nobody says `--as`.
  @Test(arguments: layouts.sorted { $0.key < $1.key })
  func layoutsOfOthersComeIn(_ layout: String, _ part: String) throws {
    try inFolder { atelier in
      let saved = try Self.saved.get()
      for ending in ["pth", "safetensors"] { try atelier.copy("\(saved)/\(layout).\(ending)", to: "theirs.\(ending)") }
      let imported = try atelier.run("models", "import", "theirs.pth")
      #expect(imported.status == 0, "\(imported.err)")
      #expect(imported.out.contains(layout == "dense" ? "(dense, 8 px" : "(dcgan, 32 px") || layout == "without-biases")
      #expect(imported.out.contains("from \(part))") == !part.isEmpty)
      let generator = try Generator("theirs", in: Workspace("\(atelier.folder)/workspace"))
      let theirs = try Safetensors.read("\(atelier.folder)/theirs.safetensors").tensors["pictures"]!
      let mine = try generator.pictureModel().sample(seeds: [0, 1, 2, 3, 4])
      #expect(mine.shape == theirs.shape)
      #expect(abs(mine - theirs).max().item() < Self.tolerance)
      #expect(mine.std(dims: [0]).max().item() > 1e-3, "five pictures, not five times one")
      guard layout == "optimizer" else { return }
      let other = try atelier.run("models", "import", "theirs.pth", "--part", "g", "--name", "newer")
      #expect(other.status == 0 && other.out.contains("from g)"), "\(other.err)")
      let none = try atelier.run("models", "import", "theirs.pth", "--part", "h", "--name", "none")
      #expect(none.status == 64 && none.err.contains("use d, g, g_ema, optim"), "\(none.err)")
      let wrong = try atelier.run("models", "import", "theirs.pth", "--as", "r3gan", "--name", "none")
      #expect(wrong.status == 65 && wrong.err.contains("mapping.0.weight"), "\(wrong.err)")
    }
  }
}
