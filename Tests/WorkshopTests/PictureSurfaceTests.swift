import Foundation
import Media
import Models
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

/// Which network enlarges a picture, and what becomes of its edges.
@Suite struct PictureSurfaceTests {
  @Test func drawingsAreToldFromPhotographs() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Checkout.emoji).filter { $0.hasSuffix(".png") }
    let drawn = try names.sorted().prefix(60).map { name in
      try #require(PictureSurface(Picture.load("\(Checkout.emoji)/\(name)", Decoding(channels: nil))), "\(name)")
    }
    // Some have gradients all over.
    #expect(drawn.filter { $0.kind == .drawing }.count >= 54)
    for path in [
      "Tests/Fixtures/scene.jpg", "Examples/pictures/street.jpg",
      "Examples/pictures/starry-night.jpg",
    ] {
      let picture = try Picture.load("\(Checkout.root)/\(path)")
      let surface = try #require(PictureSurface(picture), "\(path)")
      #expect(surface.kind == .photograph, "\(path): \(surface)")
    }
    #expect(PictureSurface(Picture(width: 30, height: 30, of: .white)) == nil)
    let painting = try Picture.load(Checkout.root + "/Examples/pictures/starry-night.jpg")
    #expect(PictureSurface.kind(ofGenerated: [painting, painting]) == .photograph)
    #expect(PictureSurface.kind(ofGenerated: []) == .drawing)
  }

  /// A hundred drawings with flat parts or more are learned by another recipe than photographs.
  @Test func theRecipeFollowsWhatThePicturesAre() throws {
    let (emoji, paintings) = (try Gallery(Checkout.emoji), try Gallery(Checkout.root + "/Examples/pictures"))
    #expect(try PictureSurface.areDrawn(emoji) && !PictureSurface.areDrawn(paintings))
    func first(_ count: Int, drawn: Bool) -> String {
      var situation = Situation(pictures: count, size: 64, channels: 3)
      situation.areDrawn = drawn
      return preferred(for: situation)[0].name
    }
    #expect([50, 100, 4000].map { first($0, drawn: true) } == ["projected", "r3gan", "r3gan"])
    #expect([50, 100, 4000].map { first($0, drawn: false) } == ["projected", "projected", "projected"])
    var request = TrainRequest(pictures: Checkout.emoji)
    var said: [String] = []
    let workspace = Workspace(TemporaryFolder().path("ws"))
    #expect(try chosenRecipe(for: request, in: workspace) { said.append($0) }.name == "r3gan")
    #expect(said == ["Most of the pictures are drawn, with flat parts and few colours: the recipe r3gan suits them."])
    request.preset = "small"
    #expect(try chosenRecipe(for: request, in: workspace) { said.append($0) }.name == "r3gan" && said.count == 1)
  }

  @Test func eachKindHasItsNetwork() throws {
    let given = EnlargeSettings(), made = try EnlargeSettings(generated: 2)
    #expect(given.model(for: .drawing) == "waifu2x-drawing" && given.model(for: .photograph) == "waifu2x-photo")
    #expect(made.model(for: .drawing) == "realesrgan-drawing" && made.model(for: .photograph) == "realesrgan-photo")
  }

  /// Waves that go on at the other edge, and the same with a ramp, which doesn't.
  private static func waves(ramp: Double = 0) -> Picture {
    var bytes: [UInt8] = []
    for y in 0..<32 {
      for x in 0..<48 {
        let wave = sin(Double(x) / 48 * 6 * .pi) * cos(Double(y) / 32 * 4 * .pi)
        for channel in 0..<3 {
          bytes.append(UInt8(max(0, min(255, 110 + 70 * wave + 12 * Double(channel) + ramp * Double(x + y)))))
        }
      }
    }
    return Picture(width: 48, height: 32, channels: 3, bytes: bytes)
  }

  @Test func seamlessEdgesAreFound() {
    let seamless = SeamlessEdges(Self.waves()), ramp = SeamlessEdges(Self.waves(ramp: 1))
    #expect(seamless.across && seamless.down && !ramp.across && !ramp.down)
    let (large, columns, rows) = seamless.continued(Self.waves(), by: 8)
    #expect(large.width == 64 && large.height == 48 && columns == 8 && rows == 8)
    #expect(large.cut(x: 8, y: 8, width: 48, height: 32) == Self.waves())
    #expect(Array(large[0, 20]) == Array(Self.waves()[40, 12]))
    let plain = SeamlessEdges(Picture(width: 40, height: 40, of: .white))
    #expect(!plain.across && !plain.down)
  }

  /// By a network that blurs, whose edges would differ from the rest otherwise.
  @Test func seamlessPicturesStaySeamless() throws {
    let folder = TemporaryFolder()
    let workspace = Workspace(folder.path)
    let network = SRVGGNetCompact(scale: 2, width: 4, depth: 1)
    var noise = Noise(seed: 1)
    network.initialize(&noise)
    try FileManager.default.createDirectory(atPath: workspace.models, withIntermediateDirectories: true)
    try Safetensors.write(network.savedTensors, to: "\(workspace.models)/tiny.safetensors")
    var settings = EnlargeSettings()
    (settings.model, settings.precision) = ("tiny", "float32")
    for scale in [2, 4] {
      settings.scale = scale
      let enlarger = try Enlarger(settings, in: workspace, on: .cpu) { _ in }
      let picture = Self.waves()
      let made = try #require(try enlarger.enlarged(picture, named: "waves") { _, _ in true })
      #expect(made.width == 48 * scale && made.height == 32 * scale)
      // Rolled before or after, it is the same: no place is an edge.
      let rolled = Picture(picture.tensor.rolled(by: [16, 24], dims: [1, 2]))
      let other = try #require(try enlarger.enlarged(rolled, named: "waves") { _, _ in true })
      let back = Picture(other.tensor.rolled(by: [-16 * scale, -24 * scale], dims: [1, 2]))
      // Convolutions of another shape round otherwise.
      let apart = abs(back.tensor.to(.float32) - made.tensor.to(.float32)).max().item()
      #expect(apart <= 1, "\(scale): \(apart)")
    }
  }

  @Test func farPosesAreSaid() throws {
    var strain = Strain()
    for share in [0.0, 0.21, 0.2] { strain.add(share) }
    #expect(strain.words == nil)
    for share in [0.48, 0.61] { strain.add(share) }
    let words = try #require(strain.words)
    #expect(words.hasPrefix("The pose of 2 frames of 5 is too far from what the picture shows (in frame 5 61 % is"))
  }
}
