import Foundation
import Models
import TestSupport
import Testing
import Torch
import Training

/// The README's program, word for word, so that it compiles; it isn't run here.
private func program() throws {
  // BEGIN
  let pictures = try PictureSet(path: "pictures.safetensors")  // Packed by `atelier train`, in ~/Atelier/cache.
  var settings = DCGANRecipe.Settings()
  settings.size = pictures.size
  var noise = Noise(seed: 1)
  let recipe = try DCGANRecipe(settings, noise: &noise, on: .cpu)
  let loop = Loop(recipe, on: pictures, plan: Plan(.minutes(10)), folder: "checkpoints")
  try loop.run(report: { event in
    if case .reading(let report) = event { print(report.picturesSeen, report.picturesPerSecond) }
  })
  let made = recipe.model.sample(seeds: [1, 2, 3])  // [3, 3, size, size] in -1...1.
  try Safetensors.write(["pictures": made], to: "made.safetensors")
  // END
}

@Suite struct ReadmeTests {
  @Test func theProgramOfTheReadmeCompiles() throws {
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let body = source.components(separatedBy: "// BEGIN\n")[1].components(separatedBy: "  // END")[0]
    let readme = try String(contentsOfFile: Checkout.path("README.md"), encoding: .utf8)
    let lines = body.split(separator: "\n").map { $0.hasPrefix("  ") ? $0.dropFirst(2) : $0 }
    #expect(readme.contains(lines.joined(separator: "\n")))
  }
}
