import Foundation
import Media
import Models
import Torch
import Training

/// A direction in which a generator's pictures can be moved, under a name that an artist gave it.
public struct Slider: Codable, Sendable, Equatable {
  public var name: String
  /// How it was found.
  public let method: DirectionMethod
  /// The first and the last of the layers that it moves, from 0, coarse ones first; nil for all.
  public let layers: [Int]?
  /// In styles; 1 is one standard deviation along it.
  public let vector: [Float]
}

/// A generator's sliders, in a file beside it.
public struct Sliders: Codable, Sendable, Equatable {
  /// The SHA-256 of the checkpoint that they were found in.
  public var checkpoint: String
  public var sliders: [Slider] = []

  public subscript(name: String) -> Slider? { sliders.first { $0.name == name } }

  /// In a run's folder; of a single file in the workspace, under the name that it has.
  static func path(of generator: Generator, in workspace: Workspace) -> String {
    let folder = generator.path.parentPath
    guard ["checkpoints", "best"].contains((folder as NSString).lastPathComponent) else {
      let stem = ((generator.path as NSString).lastPathComponent as NSString).deletingPathExtension
      return "\(workspace.models)/\(stem)-sliders.json"
    }
    return folder.parentPath + "/sliders.json"
  }

  /// Those that were found before; nil when there are none.
  ///
  /// - Throws: `SliderError.damaged`.
  public init?(of generator: Generator, in workspace: Workspace) throws(SliderError) {
    let path = Self.path(of: generator, in: workspace)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let data = FileManager.default.contents(atPath: path),
      let found = try? JSONDecoder().decode(Sliders.self, from: data)
    else { throw .damaged(path: path) }
    self = found
  }

  init(checkpoint: String) { self.checkpoint = checkpoint }

  func write(for generator: Generator, in workspace: Workspace) throws {
    let path = Self.path(of: generator, in: workspace)
    try AtomicFile.makeFolder(path.parentPath)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    try AtomicFile.write(Array(encoder.encode(self)), to: path, isForced: true)
  }

  /// What is added to styles [layers, D].
  ///
  /// - Throws: `SliderError.unknown`, `.doesNotFit`.
  func moves(_ positions: [String: Double], layers: Int, width: Int) throws(SliderError) -> Tensor {
    var sum = Tensor.zeros([layers, width])
    for (name, position) in positions.sorted(by: { $0.key < $1.key }) {
      guard let slider = self[name] else { throw .unknown(name, known: sliders.map(\.name)) }
      guard slider.vector.count == width else { throw .doesNotFit(name) }
      let range = slider.layers.map { $0[0]...$0[1] } ?? 0...layers - 1
      let isMoved = Tensor((0..<layers).map { Float(range.contains($0) ? 1 : 0) }, shape: [layers, 1])
      sum = sum + isMoved * Tensor(slider.vector) * position
    }
    return sum
  }
}

/// Why a slider can't be found or used.
public enum SliderError: Explained, Equatable {
  case noStyles(String, recipe: String)
  case none(String)
  case unknown(String, known: [String])
  case damaged(path: String)
  case doesNotFit(String)
  case badCount(Int)
  case badLayers(String, count: Int)
  case badName(String)
  case badPosition(String)
  case taken(String)
  case badMix(Int, layers: Int)
  case needsFind

  public var sentence: String {
    switch self {
    case .noStyles(let name, let recipe):
      "\(name) (\(recipe)) has no styles, so it has no sliders and no style mixing: use a run of the recipe \(namesOfRecipes { $0 is any StyleModel.Type })."
    case .none(let name): "\(name) has no sliders yet: find some by `atelier sliders \(name) --out sheet.png`."
    case .unknown(let name, let known): "There is no slider '\(name)': use \(known.joined(separator: ", "))."
    case .damaged(let path): "The sliders in \(path) can't be read: delete that file, and find them again."
    case .doesNotFit(let name): "The slider '\(name)' is another generator's: find them again by --find ganspace."
    case .badCount(let count): "--count can't be \(count): use a number from 1 to 64."
    case .badLayers(let words, let count):
      "--layers can't be '\(words)': use two of the layers 0 to \(count - 1), such as 0-\(max(0, count / 2 - 1)) for shapes."
    case .badName(let name):
      "A slider can't be called '\(name)': use letters, digits, - and _, and no name of a film's track."
    case .badPosition(let words):
      "--slide can't be '\(words)': give a slider and a number from -20 to 20, such as smile=2."
    case .taken(let name): "There is a slider '\(name)' already: choose another name, or --drop it first."
    case .needsFind:
      "There are sliders already: add --find ganspace to look for more, or leave --count and --layers out."
    case .badMix(let layer, let layers): "--mix-at can't be \(layer): use a layer from 1 to \(layers - 1)."
    }
  }
  public var exit: Exit {
    switch self {
    case .damaged, .doesNotFit: .data
    default: .usage
    }
  }
}

/// Where sliders stand, as typed: `smile=2`.
public struct SliderPositions: Sendable, Equatable {
  public private(set) var values: [String: Double] = [:]

  public init() {}

  /// - Throws: `SliderError.badPosition`.
  public init(_ words: [String]) throws(SliderError) {
    for word in words {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, let value = Double(parts[1]), (-20...20).contains(value) else {
        throw .badPosition(word)
      }
      values[String(parts[0])] = value
    }
  }

  /// As a picture's file says them.
  var words: String {
    values.sorted { $0.key < $1.key }.map { "\($0.key)=\(String(format: "%g", $0.value))" }.joined(separator: ", ")
  }
}

extension SliderPositions {
  /// What is added to a generator's styles [1, layers, D]; nil where nothing stands anywhere.
  ///
  /// - Throws: `SliderError`.
  func moves(of generator: Generator, in workspace: Workspace) throws(SliderError) -> Tensor? {
    guard !values.isEmpty else { return nil }
    let model = try styleModel(of: generator)
    guard let sliders = try Sliders(of: generator, in: workspace) else { throw .none(generator.name) }
    let shape = model.styles(PictureRequest(seeds: [0])).shape
    return try sliders.moves(values, layers: shape[1], width: shape[2]).unsqueezed(0)
  }
}

/// - Throws: `SliderError.noStyles`.
func styleModel(of generator: Generator) throws(SliderError) -> any StyleModel {
  guard let model = generator.model as? any StyleModel else {
    throw .noStyles(generator.name, recipe: generator.facts.recipe)
  }
  return model
}

/// Before anything is made.
///
/// - Throws: `SliderError.badMix`.
func check(_ layer: Int?, of model: some StyleModel) throws(SliderError) {
  let layers = model.styles(PictureRequest(seeds: [0])).size(1)
  if let layer, !(1..<layers).contains(layer) { throw .badMix(layer, layers: layers) }
}

/// A sheet: above the pictures whose fine layers are taken, on the left those whose coarse ones are.
func mixed(
  _ model: some StyleModel, _ mix: (coarse: Seeds, fine: Seeds), of generator: Generator, at layer: Int?,
  truncation: Double, on ground: Ground, finish: (Picture) throws -> Picture = { $0 }
) rethrows -> Picture {
  func asked(_ seeds: [UInt64]) -> PictureRequest {
    var request = generator.request(seeds: seeds)
    request.truncation = truncation
    return request
  }
  let layers = model.styles(PictureRequest(seeds: [0])).size(1), cut = layer ?? layers / 2
  let (left, top) = (model.pictures(asked(mix.coarse.values)), model.pictures(asked(mix.fine.values)))
  let (rows, columns) = (mix.coarse.values.count, mix.fine.values.count), cells = (rows + 1) * (columns + 1)
  let above = try top.unbound().map { try finish(Picture($0)) }
  let corner = Picture(width: above[0].width, height: above[0].height, of: ground)
  var painter = SheetPainter(
    Sheet(columns: columns + 1, for: cells, ground: ground), cells: cells, size: corner.size)
  painter.add(corner)
  for picture in above { painter.add(picture) }
  for (row, picture) in left.unbound().enumerated() {
    painter.add(try finish(Picture(picture)))
    let made = model.mixed(coarse: asked([mix.coarse.values[row]]), fine: asked(mix.fine.values), at: cut)
    for picture in made.unbound() { painter.add(try finish(Picture(picture))) }
  }
  return painter.drawn
}
