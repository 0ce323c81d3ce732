import Foundation
import Testing
import Torch

/// A family in a package of its own: Examples/eigen, built against Atelier's library, with no file of Atelier changed.
@Suite struct FamilyPackageTests {
  private static let folder = Binary.root + "/Examples/eigen"

  private static func built() throws -> String {
    let scratch = Binary.root + "/.build/eigen"
    let build = Process(), log = Pipe()
    build.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    build.arguments = [
      "swift", "build", "--package-path", folder, "--scratch-path", scratch, "--product", "atelier-eigen", "-Xswiftc",
      "-gnone",
    ]
    (build.standardOutput, build.standardError) = (log, log)
    try build.run()
    let words = String(decoding: log.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    build.waitUntilExit()
    try #require(build.terminationStatus == 0, "\(words.suffix(2000))")
    return scratch + "/debug/atelier-eigen"
  }

  @Test func aFamilyOfOnesOwnTrainsResumesAndGenerates() throws {
    let binary = try Self.built()
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
