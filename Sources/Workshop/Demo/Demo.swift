import Foundation
import Media
import Models
import Torch
import Training

/// The first run of Atelier: one page of what it makes, in about five minutes.
///
/// Its parts are made one after another; the page shows those that are there.
public struct Demo {
  /// Where everything of this demo goes.
  public let folder: String
  public var run: String { folder + "/run" }
  /// The page, to open in a browser; its pictures lie beside it.
  public var page: String { folder + "/index.html" }
  /// The same as a picture.
  public var sheet: String { folder + "/page.png" }
  let workspace: Workspace
  let device: Device
  /// About how long all of it takes on two cores.
  let minutes: Double
  /// nil where no network can be had.
  var enlarging: EnlargeSettings?

  // What is there:
  var pictures: [String] = []
  var map: String?
  public private(set) var training: Trained?
  var painting: String?
  var film: String?
  var frames: String?
  public private(set) var isStopped = false

  /// Seeds of the bundled generator, chosen by hand among 320.
  static let seeds: [UInt64] = [
    4, 12, 18, 19, 32, 35, 45, 53, 59, 85, 95, 96, 99, 102, 121, 151, 153, 161, 197, 206, 208, 257, 259, 167,
  ]
  /// What its film passes through.
  static let keys: [UInt64] = [4, 197, 153, 53, 206, 92]
  /// Of the bundled pictures, those that a generator of one's own learns from: faces without anything around.
  private static let faces =
    """
    1f600 1f603 1f604 1f606 1f609 1f60a 1f60b 1f60c 1f60d 1f60f 1f610 1f611 1f612 1f614 1f615 1f616 1f617 1f619 1f61a 1f61b
    1f61c 1f61d 1f61e 1f61f 1f620 1f621 1f622 1f623 1f625 1f626 1f627 1f629 1f62b 1f62c 1f62e 1f62f 1f632 1f633 1f635 1f636
    1f641 1f642 1f643 1f644 1f910 1f922 1f924 1f928 1f929 1f92a 1f972 1f974 1f979 1f97a 2639 263a
    """.split(whereSeparator: \.isWhitespace)

  /// A new folder in the workspace: demo-1, demo-2, ….
  ///
  /// - Throws: `DemoError.notInstalled` when the binary was moved out of its checkout, `FileError`.
  public init(in workspace: Workspace, minutes: Double, on device: Device) throws {
    guard Product.find("Examples/models/emoji.safetensors") != nil else { throw DemoError.notInstalled }
    (self.workspace, self.minutes, self.device) = (workspace, minutes, device)
    var number = 1
    while FileManager.default.fileExists(atPath: "\(workspace.path)/demo-\(number)") { number += 1 }
    folder = "\(workspace.path)/demo-\(number)"
    try AtomicFile.makeFolder(folder)
  }

  /// The bundled files of a name.
  ///
  /// - Throws: `DemoError.notInstalled`.
  private func bundled(_ name: String) throws(DemoError) -> String {
    guard let path = Product.find("Examples/\(name)") else { throw .notInstalled }
    return path
  }

  /// 1, or less where there is less time.
  private var share: Double { min(1, minutes / 5) }

  /// Gets what enlarges pictures; without it they stay small.
  public mutating func prepare(tell: (Event) -> Void) throws {
    // The bundled generator draws.
    let settings = try EnlargeSettings(generated: 4, model: "realesrgan-drawing")
    do {
      try installModel("realesrgan-drawing", in: workspace, say: { tell(.note($0)) })
      enlarging = settings
    } catch let error as ModelError {
      tell(.note("\(error.sentence) The demo goes on without enlarging its pictures."))
    }
  }

  /// Pictures of the bundled generator, enlarged.
  public mutating func makePictures(tell: (Event) -> Void, shouldStop: () -> Bool) throws {
    let generator = try Generator(bundled("models/emoji.safetensors"), in: workspace, on: device)
    let seeds = Self.seeds.prefix(max(4, Int(Double(Self.seeds.count) * share)))
    var request = GenerateRequest(seeds: Seeds(Array(seeds)), out: folder + "/pictures")
    request.enlarging = enlarging
    let made = try generate(request, with: generator, tell: tell, shouldStop: shouldStop)
    pictures = seeds.prefix(made.pictures).map { "\(request.out)/\(fileName(seed: $0))" }
    isStopped = made.isStopped
  }

  /// A generator of one's own, of the bundled faces, and the map of all that it can make.
  public mutating func train(seed: UInt64, tell: (Event) -> Void, shouldStop: () -> Bool) throws {
    let source = try bundled("emoji"), faces = folder + "/faces"
    try AtomicFile.makeFolder(faces)
    let names = try FileManager.default.contentsOfDirectory(atPath: source).filter { name in
      Self.faces.contains { name.hasPrefix("\($0)-") }
    }
    for name in names { try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: "\(faces)/\(name)") }
    var request = TrainRequest(pictures: faces)
    (request.run, request.recipe, request.size) = (run, RecipesThat.drawMaps, 64)
    (request.length, request.seed, request.device) = (.minutes(minutes / 5), seed, device)
    request.keepsBest = false
    let trained = try Workshop.train(request, in: workspace, tell: tell, shouldStop: shouldStop)
    training = trained
    isStopped = trained.ending == .stopped
    guard !isStopped else { return }
    var asked = GenerateRequest(seeds: Seeds([]), out: folder + "/own")
    asked.map = max(3, Int((10 * share.squareRoot()).rounded()))
    if enlarging != nil { asked.enlarging = try EnlargeSettings(generated: 2, model: "realesrgan-drawing") }
    let made = try generate(
      asked, with: Generator(run, in: workspace, on: device), tell: tell, shouldStop: shouldStop)
    (map, isStopped) = (made.sheets.first, made.isStopped)
  }

  /// A photograph in the style of a painting.
  public mutating func paint(tell: (Event) -> Void, shouldStop: () -> Bool) throws {
    var request = RestyleRequest(content: photograph, styles: [style], out: folder + "/painted.png")
    request.settings.styleScale = 1.6
    let made = try restyleInstantly(
      request, size: max(128, Int(640 * share.squareRoot())), finishingSteps: StyleSettings.quickSteps, in: workspace,
      on: device, shouldStop: shouldStop,
      tell: tell)
    isStopped = made.isStopped
    if !isStopped { painting = made.path }
  }
  var photograph: String { folder + "/photograph.jpg" }
  var style: String { folder + "/style.jpg" }

  /// Puts the bundled photograph and painting beside the page.
  public func copyPictures() throws {
    for (name, path) in [("street.jpg", photograph), ("starry-night.jpg", style)] {
      try FileManager.default.copyItem(atPath: bundled("pictures/\(name)"), toPath: path)
    }
  }

  /// A looping film through pictures of the bundled generator, and a sheet of its frames.
  public mutating func makeFilm(tell: (Event) -> Void, shouldStop: () -> Bool) throws {
    let generator = try Generator(bundled("models/emoji.safetensors"), in: workspace, on: device)
    var timeline = FilmTimeline()
    timeline.seconds = max(1, 8 * share)
    timeline.rate = share < 0.5 ? "6" : "20"
    timeline.keys = Self.keys.map { FilmTimeline.Key(seed: $0, ease: .smooth) }
    var request = FilmRequest(timeline, out: folder + "/film.webp")
    (request.size, request.enlarging) = (256, enlarging)
    let made = try Workshop.film(request, with: generator, in: workspace, shouldStop: shouldStop, tell: tell)
    isStopped = made.isStopped
    guard !isStopped else { return }
    film = made.path
    (request.out, request.previews) = (folder + "/film.png", true)
    let shown = try Workshop.film(request, with: generator, in: workspace, shouldStop: shouldStop, tell: tell)
    isStopped = shown.isStopped
    if !isStopped { frames = shown.path }
  }

  /// The page and its picture, of what is there.
  public func writePage() throws -> Demonstrated {
    try AtomicFile.write(html, to: page)
    try drawn().write(
      sheet, text: [(key: "Software", value: "Atelier \(Product.version)")],
      source: .compositeWithTrainedAlgorithmicMedia)
    let files = pictures + [map, painting, film, frames].compactMap { $0 }
    return Demonstrated(page: page, sheet: sheet, files: files, training: training, isStopped: isStopped)
  }
}

/// Why there is no demo.
public enum DemoError: Explained, Equatable {
  case notInstalled

  public var sentence: String {
    "The bundled pictures aren't there: start ./atelier from its checkout, or name that by ATELIER_HOUSE."
  }
  public var exit: Exit { .missingInput }
}
