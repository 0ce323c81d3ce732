import Foundation
import LargeModels
import Media
import TestSupport
import Testing
import Torch

/// The README's program that draws by words, word for word, so that it compiles; it isn't run here.
private func program() throws {
  // BEGIN
  let model = try LargeModel("v1-5.safetensors")  // Or a diffusers folder, or a checkpoint of the recipe words.
  for note in model.notes { print(note.sentence) }  // What its file doesn't say, and what isn't used.
  let pipeline = try DrawingPipeline(model)
  var request = DrawingRequest(prompt: "a lighthouse at dusk, (storm:1.3)")
  (request.negative, request.steps) = ("blurry", 25)
  let drawn = try pipeline.draw(request, seed: 7) { step in print(step.index) }  // [1, 3, 512, 512] in -1...1.
  try Picture(drawn[0]).write("lighthouse.png", text: [("Prompt", request.prompt)])
  // END
}

@Suite struct ReadmeTests {
  @Test func theProgramThatDrawsCompiles() throws {
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let body = source.components(separatedBy: "// BEGIN\n")[1].components(separatedBy: "  // END")[0]
    let readme = try String(contentsOfFile: Checkout.path("README.md"), encoding: .utf8)
    let lines = body.split(separator: "\n").map { $0.hasPrefix("  ") ? $0.dropFirst(2) : $0 }
    #expect(readme.contains(lines.joined(separator: "\n")))
  }
}
