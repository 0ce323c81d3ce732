import Foundation
import Media
import Models
import Testing
import Torch

@testable import Workshop

/// Of the generator that comes with Atelier.
@Suite struct SliderTests {
  private func pixels(_ path: String) throws -> Tensor { try Picture.load(path).tensor.to(.float32) }

  @Test func aSliderIsFoundNamedAndMoved() throws {
    let studio = try Studio()
    var request = SlidersRequest(run: "emoji")
    (request.count, request.sheet) = (2, studio.root + "/sheet.png")
    let found = try sliders(request, in: studio.workspace)
    #expect(found.sliders.map(\.name) == ["pca-1", "pca-2"])
    let sheet = try Picture.load(studio.root + "/sheet.png")
    #expect(sheet.width > 7 * 64 && sheet.height > 2 * 64)
    // The sheet isn't replaced unasked.
    #expect(throws: FileError.self) { try sliders(request, in: studio.workspace) }

    var second = SlidersRequest(run: "emoji")
    (second.method, second.count, second.layers) = (.sefa, 1, "0-1")
    (second.renamed, second.dropped) = ([("pca-1", "âge")], ["pca-2"])
    let all = try sliders(second, in: studio.workspace)
    #expect(all.sliders.map(\.name) == ["âge", "sefa-0to1-1"] && all.sliders[1].layers == [0, 1])
    #expect(all.sliders[0].vector == found.sliders[0].vector)

    // In pictures: the same seed moved and not, and the file says so.
    let generator = try Generator("emoji", in: studio.workspace)
    var make = GenerateRequest(seeds: Seeds([5]), out: studio.root + "/plain")
    try generate(make, with: generator, copiesIn: studio.workspace)
    (make.out, make.slides) = (studio.root + "/moved", try SliderPositions(["âge=2.5"]))
    (make.mix, make.interpolate, make.steps) = ((Seeds([1, 2]), Seeds([3, 4, 5])), try SeedPairs("5-6"), 2)
    try generate(make, with: generator, copiesIn: studio.workspace)
    let (plain, moved) = (studio.root + "/plain/seed-0005.png", studio.root + "/moved/seed-0005.png")
    #expect(try abs(pixels(plain) - pixels(moved)).mean().item() > 4)
    let bytes = String(decoding: try Data(contentsOf: URL(filePath: moved)), as: Unicode.ASCII.self)
    #expect(bytes.contains("Sliders"))
    // A walk is moved along.
    let walk = try pixels(studio.root + "/moved/interpolation.png")
    let start = walk.narrowed(dim: 1, from: 2, count: 64).narrowed(dim: 2, from: 2, count: 64)
    #expect(try abs(start - pixels(moved)).max().item() <= 1)
    let mixing = try Picture.load(studio.root + "/moved/mixing.png")
    #expect(mixing.width == 4 * 66 + 2 && mixing.height == 3 * 66 + 2)

    // In films: a track of that name.
    var timeline = FilmTimeline()
    (timeline.seconds, timeline.rate, timeline.seed) = (0.5, "8", 1)
    timeline.keys = [.init(seed: 5), .init(seed: 5, at: 0.25)]
    timeline.tracks = ["âge": FilmTimeline.Track(2.5)]
    var film = FilmRequest(timeline, out: studio.root + "/frames/")
    film.size = 64
    _ = try Workshop.film(film, with: generator, in: studio.workspace)
    let frames = try FileManager.default.contentsOfDirectory(atPath: studio.root + "/frames").sorted()
    let first = studio.root + "/frames/" + frames.first { $0.hasSuffix(".png") }!
    #expect(try abs(pixels(first) - pixels(moved)).max().item() <= 1)
  }

  @Test func badRequestsAreNamed() throws {
    let studio = try Studio()
    func error(_ change: (inout SlidersRequest) -> Void) -> SliderError? {
      var request = SlidersRequest(run: "emoji")
      request.count = 1
      change(&request)
      do { try sliders(request, in: studio.workspace) } catch { return error as? SliderError }
      return nil
    }
    let generator = try Generator("emoji", in: studio.workspace)
    var make = GenerateRequest(seeds: Seeds([5]), out: studio.root + "/a")
    make.slides = try SliderPositions(["smile=1"])
    #expect(throws: SliderError.none("emoji")) { try generate(make, with: generator, copiesIn: studio.workspace) }
    #expect(error { $0.count = 0 } == .badCount(0))
    #expect(error { $0.layers = "3-99" } == .badLayers("3-99", count: 5))
    #expect(error { $0.run = "emoji-vae" } == .noStyles("emoji-vae", recipe: "vae"))
    #expect(error { $0.renamed = [("pca-1", "zoom")] } == .badName("zoom"))
    #expect(error { $0.renamed = [("pca-9", "smile")] } != nil)
    #expect(error { $0.dropped = ["nothing"] } != nil)
    #expect(error { _ in } == nil)
    #expect(throws: SliderError.unknown("smile", known: ["pca-1"])) {
      try generate(make, with: generator, copiesIn: studio.workspace)
    }
    for words in ["smile", "smile=", "=3", "smile=99", "smile=nan"] {
      #expect(throws: SliderError.badPosition(words)) { try SliderPositions([words]) }
    }
    make.slides = SliderPositions()
    (make.mix, make.mixAt) = ((Seeds([1]), Seeds([2])), 5)
    #expect(throws: SliderError.badMix(5, layers: 5)) {
      try generate(make, with: generator, copiesIn: studio.workspace)
    }
    #expect(!FileManager.default.fileExists(atPath: make.out), "nothing is made before")
    // A damaged file is named, not overwritten.
    let path = Sliders.path(of: generator, in: studio.workspace)
    try Data("no".utf8).write(to: URL(filePath: path))
    #expect(error { _ in } == .damaged(path: path))
    #expect(FileManager.default.contents(atPath: path) == Data("no".utf8))
  }
}
