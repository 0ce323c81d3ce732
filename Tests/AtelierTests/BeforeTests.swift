import Foundation
import Media
import Testing
import Torch

/// Files of before models stood apart from recipes: Tests/Fixtures/before has what that version made of them.
@Suite struct BeforeTests {
  private static let fixtures = Binary.root + "/Tests/Fixtures/before"

  /// Sums in another order differ by a level here and there; other pictures by tens of levels.
  private func expectSame(_ path: String, _ name: String) throws {
    let (mine, theirs) = (try Picture.load(path), try Picture.load("\(Self.fixtures)/\(name).png"))
    #expect(mine.width == theirs.width && mine.height == theirs.height && mine.channels == theirs.channels, "\(name)")
    let difference = abs(mine.tensor.to(.float32) - theirs.tensor.to(.float32))
    #expect(difference.mean().item() < 0.05 && difference.max().item() <= 3, "\(name): \(difference.max().item())")
  }

  @Test(arguments: ["emoji", "portraits", "emoji-vae", "emoji-diffusion"])
  func shippedModelsMakeTheirPictures(_ name: String) throws {
    try inFolder { atelier in
      #expect(try atelier.run("generate", name, "--seeds", "3,7", "--out", "made").status == 0)
      for seed in ["0003", "0007"] { try expectSame("\(atelier.folder)/made/seed-\(seed).png", "\(name)-\(seed)") }
      guard name == "emoji" else { return }
      #expect(try atelier.run("generate", name, "--seeds", "7", "--truncation", "0.6", "--out", "drawn").status == 0)
      try expectSame("\(atelier.folder)/drawn/seed-0007.png", "emoji-truncated-0007")
    }
  }

  /// By words: bfloat16, where a processor prefers it, makes other details of the same thing.
  @Test func theShippedModelDrawsByWords() throws {
    try inFolder { atelier in
      let drawn = try atelier.run(
        "generate", "emoji-words", "--prompt", "woman astronaut with dark skin tone", "--seeds", "1", "--out", "made")
      #expect(drawn.status == 0, "\(drawn.err)")
      let (mine, theirs) = (
        try Picture.load("\(atelier.folder)/made/seed-0001.png"), try Picture.load("\(Self.fixtures)/emoji-words.png")
      )
      #expect(abs(mine.tensor.to(.float32) - theirs.tensor.to(.float32)).mean().item() < 8)
    }
  }

  @Test func theShippedPainterPaintsAsBefore() throws {
    try inFolder { atelier in
      let pictures = Binary.root + "/Tests/Fixtures"
      let painted = try atelier.run(
        "restyle", "\(pictures)/large.jpg", "--style", "\(pictures)/scene.jpg", "--method", "instant", "--steps", "0",
        "--size", "64", "--out", "painted.png")
      #expect(painted.status == 0, "\(painted.err)")
      // In bfloat16, where a processor has it.
      let (mine, theirs) = (
        try Picture.load("\(atelier.folder)/painted.png"), try Picture.load("\(Self.fixtures)/painted.png")
      )
      #expect(abs(mine.tensor.to(.float32) - theirs.tensor.to(.float32)).mean().item() < 2)
    }
  }

  /// Its settings have names that were changed since.
  @Test func anOldRunGoesOn() throws {
    try inFolder { atelier in
      try atelier.copy(Self.fixtures + "/run", to: "run")
      #expect(try atelier.run("generate", "run", "--seeds", "1", "--out", "made").status == 0)
      try expectSame("\(atelier.folder)/made/seed-0001.png", "run-0001")
      let resumed = try atelier.run(
        "train", Binary.pictures, "--resume", "--run", "run", "--pictures-seen", "48", "--no-best")
      #expect(resumed.status == 0, "\(resumed.err)")
      let theirs = try Safetensors.read(Self.fixtures + "/resumed.safetensors").tensors
      let mine = try Safetensors.read("\(atelier.folder)/run/checkpoints/000000000048.safetensors").tensors
      for (name, tensor) in theirs {
        let found = try #require(mine[name], "\(name)")
        // Another processor may sum in another order, and Adam's first steps make much of little.
        #expect(abs(found.to(.float32) - tensor.to(.float32)).mean().item() < 1e-4, "\(name)")
      }
    }
  }
}
