import Foundation
import TestSupport
import Testing
import Torch

/// A family in a package of its own: Examples/eigen, with no file of Atelier changed. The root package builds its files as a target, in
/// seconds where that package takes minutes.
@Suite struct FamilyPackageTests {
  private static let folder = Binary.root + "/Examples/eigen"

  /// The package of its own asks for what its files import, and that is what the library offers.
  @Test func itsPackageHasWhatItImports() throws {
    let (own, library) = (try Self.manifest(Self.folder), try Self.manifest(Binary.root))
    let product = try #require(library["products"] as? [[String: Any]]).first { $0["name"] as? String == "Atelier" }
    let offered = Set(try #require(product?["targets"] as? [String]))
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder + "/Sources").filter {
      $0.hasSuffix(".swift")
    }
    let imported = try names.flatMap { name in
      try String(contentsOfFile: "\(Self.folder)/Sources/\(name)", encoding: .utf8).matches(of: /(?m)^import (\w+)/)
        .map { String($0.1) }
    }
    #expect(Set(imported).subtracting(["Foundation"]).isSubset(of: offered), "\(imported) of \(offered)")
    let text = "\(own["targets"] ?? "")"
    #expect(text.contains("Atelier") && "\(own["dependencies"] ?? "")".contains(Binary.root), "\(own)")
  }

  /// As `swift package dump-package` tells it; nothing is fetched or built.
  private static func manifest(_ folder: String) throws -> [String: Any] {
    let (dump, words) = (Process(), Pipe())
    let scratch = temporaryPath("manifest")
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    dump.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    dump.arguments = ["swift", "package", "--package-path", folder, "--scratch-path", scratch, "dump-package"]
    dump.standardOutput = words
    try dump.run()
    let said = words.fileHandleForReading.readDataToEndOfFile()
    dump.waitUntilExit()
    try #require(dump.terminationStatus == 0)
    return try #require(JSONSerialization.jsonObject(with: said) as? [String: Any])
  }

  @Test func aFamilyOfOnesOwnTrainsResumesAndGenerates() throws {
    let binary = Binary.root + "/.build/debug/eigen-example"
    try inFolder { atelier in
      let settings = ["--recipe", "eigen", "--size", "16", "--batch", "8", "--latent", "6", "--no-best"]
      func train(_ run: String, _ more: String...) throws {
        let trained = try atelier.run(["train", Binary.pictures, "--run", run] + settings + more, by: binary)
        #expect(trained.status == 0, "\(trained.err)")
      }
      try train("whole", "--pictures-seen", "96")
      try train("parts", "--pictures-seen", "40")
      let resumed = try atelier.run(["train", "--resume", "--run", "parts", "--pictures-seen", "96"], by: binary)
      #expect(resumed.status == 0, "\(resumed.err)")
      let file = "checkpoints/000000000096.safetensors"
      let whole = try Safetensors.read("\(atelier.folder)/whole/\(file)").tensors
      let parts = try Safetensors.read("\(atelier.folder)/parts/\(file)").tensors
      #expect(whole.keys == parts.keys && whole.count > 4)
      for (name, tensor) in whole { #expect(tensor.isEqual(to: parts[name]!), "\(name)") }

      let made = try atelier.run(["generate", "parts", "--seeds", "0-3", "--grid", "--out", "made"], by: binary)
      #expect(
        made.status == 0 && FileManager.default.fileExists(atPath: "\(atelier.folder)/made/sheet.png"), "\(made.err)")
      let again = try atelier.run(["reconstruct", "parts", Binary.pictures, "--out", "again.png"], by: binary)
      #expect(again.status == 0, "\(again.err)")
      let listed = try atelier.run(["recipes", "eigen"], by: binary)
      #expect(
        listed.out.contains("--latent") && listed.out.contains("Directions from the mean picture"), "\(listed.out)")
      // The studio itself doesn't know it.
      let unknown = try atelier.run("generate", "parts", "--seeds", "0", "--out", "other")
      #expect(unknown.status == 64 && unknown.err.contains("There is no recipe 'eigen'"), "\(unknown.err)")
    }
  }
}
