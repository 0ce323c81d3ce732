import Foundation
import Media
import Models
import TestSupport
import Testing
import Torch
import Training

@testable import Workshop

@Suite struct ProjectTests {
  /// A small generator of a few emoji, and a folder of others.
  private func trained(_ recipe: String = "stylegan2", channels: Int = 3, size: PictureSize = 16) throws
    -> (studio: Studio, run: String, held: String)
  {
    let studio = try Studio()
    let examples = Checkout.emoji
    let names = try FileManager.default.contentsOfDirectory(atPath: examples).filter { $0.hasSuffix(".png") }.sorted()
    let held = "\(studio.root)/held"
    try FileManager.default.createDirectory(atPath: held, withIntermediateDirectories: true)
    for (i, name) in names.prefix(20).enumerated() {
      let folder = i < 2 ? held : studio.pictures
      try FileManager.default.copyItem(atPath: "\(examples)/\(name)", toPath: "\(folder)/\(name)")
    }
    var request = TrainRequest(pictures: studio.pictures)
    (request.recipe, request.run, request.length) = (recipe, "\(studio.root)/run", .pictures(64))
    (request.size, request.channels) = (size, channels)
    let widths = recipe == "stylegan2" ? "16,16,16" : "16,16"
    request.settings = [
      ("widths", widths), ("discriminator-widths", widths), ("latent", "8"), ("w-size", "16"), ("precision", "float32"),
    ]
    try train(request, in: studio.workspace)
    return (studio, "\(studio.root)/run", held)
  }

  @Test(arguments: ["stylegan2", "r3gan"]) func aWidePictureIsInverted(recipe: String) throws {
    let (studio, run, held) = try trained(recipe, size: PictureSize(24, 16))
    var asked = request(run, held, out: "\(studio.root)/found")
    (asked.count, asked.projection.steps, asked.projection.tuningSteps) = (1, 3, 2)
    let found = try project(asked, in: studio.workspace)
    // The picture above what its styles make, and what the tuned generator makes, with margins of 2.
    #expect(try Picture.load(try #require(found.sheet)).size == PictureSize(28, 56))
  }

  private func request(_ run: String, _ pictures: String, out: String) -> ProjectRequest {
    var request = ProjectRequest(run: run, pictures: pictures, out: out)
    (request.projection.steps, request.projection.tuningSteps, request.network) = (15, 25, "random")
    return request
  }

  @Test(arguments: [("stylegan2", 3), ("r3gan", 4)])
  func aTunedGeneratorMakesThePicture(recipe: String, channels: Int) throws {
    let (studio, run, held) = try trained(recipe, channels: channels)
    let out = "\(studio.root)/found"
    var (progress, each): ([Double], [Projected]) = ([], [])
    let found = try project(request(run, held, out: out), in: studio.workspace) {
      if case .progress(let told) = $0 { progress.append(told.fraction) }
      if case .projected(let one) = $0 { each.append(one) }
    }
    #expect(
      found.pictures == 2 && each.count == 2 && !found.isStopped && progress == progress.sorted() && progress.last == 1)
    for one in each {
      #expect(try #require(one.tunedDistance) < one.distance)
      // A generator of its own, and styles that it makes the picture from.
      let model = try Generator(try #require(one.model), in: studio.workspace)
      let styles = try Safetensors.read(one.styles).tensors["styles"]!
      let steered = try #require(model.model as? any StyleModel)
      #expect(styles.shape == (recipe == "stylegan2" ? [6, 16] : [3, 16]))
      let made = withoutGradients { steered.synthesize(styles.unsqueezed(0)) }
      #expect(made.shape == [1, channels, 16, 16])
    }
    // The run's own generator is as it was.
    let first = try Generator(run, in: studio.workspace), again = try Generator(run, in: studio.workspace)
    #expect(first.hash == again.hash)
    #expect(FileManager.default.fileExists(atPath: "\(out)/sheet.png"))
    #expect(throws: FileError.self) { try project(request(run, held, out: out), in: studio.workspace) }
  }

  @Test func aStopKeepsWhatIsDone() throws {
    let (studio, run, held) = try trained()
    var each: [Projected] = []
    let found = try project(request(run, held, out: "\(studio.root)/found"), in: studio.workspace) {
      if case .projected(let one) = $0 { each.append(one) }
    } shouldStop: {
      each.count == 1
    }
    #expect(found.pictures == 1 && found.isStopped && FileManager.default.fileExists(atPath: each[0].styles))
  }

  @Test func noTwoPicturesShareAName() {
    #expect(uniqueNames(["x/a.png", "y/a.png", "a-2.png"]) == ["a", "a-3", "a-2"])
    #expect(uniqueNames(["a.png", "a.jpg", "a.gif"]) == ["a", "a-2", "a-3"])
    #expect(uniqueNames(["a.png", "a-styles.png"]) == ["a", "a-styles-2"])
    #expect(uniqueNames(["a-styles.png", "a.png"]) == ["a-styles", "a-2"])
    #expect(uniqueNames(["A.png", "a.png"]) == ["A", "a-2"], "one file on disks that know no case")
    #expect(uniqueNames(["a-2.png", "x/a-2.png", "a.png", "y/a.png"]) == ["a-2", "a-2-2", "a", "a-3"])
  }

  @Test func otherRecipesHaveNoStyles() throws {
    let studio = try Studio()
    #expect(throws: ProjectError.noStyles("emoji-vae", recipe: "vae")) {
      try project(
        ProjectRequest(run: "emoji-vae", pictures: studio.pictures, out: "\(studio.root)/x"), in: studio.workspace)
    }
  }
}
