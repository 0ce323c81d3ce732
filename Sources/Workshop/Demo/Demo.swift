import Foundation
import Media
import Torch
import Training

/// The first run of Atelier: what comes with it, then a generator of one's own.
public struct Demo {
  /// Where everything of this demo goes: the sheet, and the run inside.
  public let folder: String
  public var run: String { folder + "/run" }
  public var sheet: String { folder + "/sheet.png" }
  public let workspace: Workspace

  /// The bundled pictures.
  ///
  /// - Throws: `DemoError.noHouse` when the binary was moved out of its checkout.
  public static func pictures() throws(DemoError) -> String {
    guard let pictures = Product.find("Examples/emoji") else { throw .noHouse }
    return pictures
  }

  /// The generator that comes with Atelier; nil when the checkout has none.
  public static var shipped: String? { Product.find("Examples/models/emoji.safetensors") }

  /// A new folder in the workspace: demo-1, demo-2, ….
  ///
  /// - Throws: `FileError`.
  public init(in workspace: Workspace) throws {
    self.workspace = workspace
    var number = 1
    while FileManager.default.fileExists(atPath: "\(workspace.path)/demo-\(number)") { number += 1 }
    folder = "\(workspace.path)/demo-\(number)"
    try AtomicFile.makeFolder(folder)
  }

  /// Makes pictures with the generator that comes with Atelier, and shows them on a sheet of their own.
  ///
  /// - Returns: the sheet.
  public func makeShipped(_ path: String, on device: Device) throws -> String {
    let generator = try Generator(path, in: workspace, on: device)
    var request = GenerateRequest(seeds: Seeds(Array(0..<64)), out: folder + "/shipped")
    request.grid = true
    return try generate(request, with: generator).sheets[0]
  }

  /// Writes the page: the shipped generator's pictures above, those of the demo's own run below.
  ///
  /// - Parameter minutes: as long as the own one was trained.
  public func writeSheet(shipped: String?, minutes: Double, on device: Device) throws {
    var page = DemoPage()
    let own = try Generator(run, in: workspace, on: device)
    let groups = shipped == nil ? 1 : 2
    func pictures(_ generator: Generator) throws -> [Picture] {
      let seeds = (0..<DemoPage.capacity(groups: groups)).map { UInt64($0) }
      return try generator.pictureModel().pictures(generator.request(seeds: seeds)).unbound().map { Picture($0) }
    }
    if let shipped {
      let generator = try Generator(shipped, in: workspace, on: device)
      let hours = generator.facts.seconds / 3600
      let seen = grouped(generator.facts.picturesSeen)
      page.add(
        "Comes with Atelier: trained for \(String(format: "%.1f", hours)) hours, \(seen) pictures seen",
        try pictures(generator))
    }
    let time = String(format: minutes < 10 && minutes != minutes.rounded() ? "%.1f" : "%.0f", minutes)
    page.add("Yours: \(time) minutes, \(grouped(own.facts.picturesSeen)) pictures seen", try pictures(own))
    let words = [
      (key: "Software", value: "Atelier \(Product.version)"), (key: "Checkpoint", value: "sha256:\(own.hash)"),
    ]
    try page.drawn.write(sheet, text: words, xmp: Provenance.xmp())
  }
}

/// Why there is no demo.
public enum DemoError: Explained, Equatable {
  case noHouse

  public var sentence: String {
    "The bundled pictures aren't there: start ./atelier from its checkout, or name that by ATELIER_HOUSE."
  }
  public var exit: Exit { .missingInput }
}
