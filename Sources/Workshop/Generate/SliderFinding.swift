import Foundation
import Media
import Models
import Torch
import Training

/// A request to `sliders`.
public struct SlidersRequest: Sendable {
  /// A run, checkpoint or model of a recipe with styles.
  public var run: String
  /// Looks for new ones; nil only where there are some already.
  public var method: DirectionMethod?
  /// nil looks for 6.
  public var count: Int?
  /// "0-2": the layers that are moved; nil for all.
  public var layers: String?
  public var renamed: [(from: String, to: String)] = []
  public var dropped: [String] = []
  /// The seed that the sheet shows.
  public var seed: UInt64 = 0
  /// A PNG: a row for each slider, from -3 to 3.
  public var sheet: String?
  public var force = false

  public init(run: String) { self.run = run }
}

/// Finds, names and shows a generator's sliders.
///
/// - Returns: all that it has now.
/// - Throws: `SliderError`, `FileError`, and as `Generator`.
@discardableResult
public func sliders(
  _ request: SlidersRequest, in workspace: Workspace, on device: Device = .cpu, tell: (Event) -> Void = { _ in }
) throws -> Sliders {
  let count = request.count ?? 6
  guard (1...64).contains(count) else { throw SliderError.badCount(count) }
  if let sheet = request.sheet { try expectPicture(sheet.absolutePath, isForced: request.force) }
  let generator = try Generator(request.run, in: workspace, on: device) { tell(.note($0.sentence)) }
  let model = try styleModel(of: generator)
  let known = try Sliders(of: generator, in: workspace)
  var all = known ?? Sliders(checkpoint: generator.hash)
  let layers = model.styles(PictureRequest(seeds: [0])).size(1)
  let range = try request.layers.map { try layerRange($0, of: layers) }
  if let method = request.method ?? (known == nil ? .ganspace : nil) {
    let found = directions(of: model, count: count, by: method)
    all.checkpoint = generator.hash
    for (number, vector) in found.unbound().enumerated() {
      let name = method.short + (range.map { "-\($0[0])to\($0[1])" } ?? "") + "-\(number + 1)"
      let slider = Slider(name: name, method: method, layers: range, vector: vector.floats)
      all.sliders.removeAll { $0.name == name }
      all.sliders.append(slider)
    }
  } else if request.count != nil || request.layers != nil {
    throw SliderError.needsFind
  } else if known?.checkpoint != generator.hash {
    tell(.note("These sliders were found in an earlier checkpoint and still fit roughly; --find finds them again."))
  }
  for name in request.dropped {
    guard all[name] != nil else { throw SliderError.unknown(name, known: all.sliders.map(\.name)) }
    all.sliders.removeAll { $0.name == name }
  }
  for (from, to) in request.renamed {
    guard let index = all.sliders.firstIndex(where: { $0.name == from }) else {
      throw SliderError.unknown(from, known: all.sliders.map(\.name))
    }
    guard to.wholeMatch(of: /[\p{L}\p{N}_-]+/) != nil, FilmTimeline.Property(rawValue: to) == nil else {
      throw SliderError.badName(to)
    }
    guard all[to] == nil else { throw SliderError.taken(to) }
    all.sliders[index].name = to
  }
  try all.write(for: generator, in: workspace)
  if let sheet = request.sheet, !all.sliders.isEmpty {
    let drawn = try drawnSheet(of: all, model, seed: request.seed, layers: layers)
    let words =
      Provenance.words(of: generator) + [
        ("Sliders", all.sliders.map(\.name).joined(separator: ", ")), Provenance.sheet,
      ]
    try drawn.write(sheet.absolutePath, text: words, source: .trainedAlgorithmicMedia, isForced: request.force)
  }
  return all
}

/// The existential is opened here.
private func directions(of model: some StyleModel, count: Int, by method: DirectionMethod) -> Tensor {
  styleDirections(of: model, count: count, by: method)
}

extension DirectionMethod {
  /// What sliders are called before somebody names them.
  fileprivate var short: String {
    switch self {
    case .ganspace: "pca"
    case .sefa: "sefa"
    }
  }
}

/// "0-2" as [0, 2].
private func layerRange(_ words: String, of count: Int) throws(SliderError) -> [Int] {
  let ends = words.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
  guard (1...2).contains(ends.count), let first = ends[0], let last = ends.last!, first <= last, first >= 0,
    last < count
  else { throw .badLayers(words, count: count) }
  return [first, last]
}

/// Where the sheet's columns are, in deviations.
private let shown: [Double] = [-3, -2, -1, 0, 1, 2, 3]

private func drawnSheet(
  of sliders: Sliders, _ model: some StyleModel, seed: UInt64, layers: Int
) throws(SliderError) -> Picture {
  let request = PictureRequest(seeds: shown.map { _ in seed })
  let cells = sliders.sliders.count * shown.count
  var sheet = Sheet(columns: shown.count, for: cells)
  sheet.labelHeight = 14
  var painter: SheetPainter?
  for slider in sliders.sliders {
    var moves: [Tensor] = []
    for place in shown {
      moves.append(try sliders.moves([slider.name: place], layers: layers, width: slider.vector.count))
    }
    let made = model.pictures(request, moved: Tensor.stacked(moves)).unbound().map { Picture($0) }
    let labels = [slider.name] + shown.dropFirst().map { $0 == 0 ? "0" : String(format: "%+.0f", $0) }
    if painter == nil {
      painter = SheetPainter(sheet, cells: cells, size: made[0].size, isLabelled: true)
    }
    for (picture, label) in zip(made, labels) { painter!.add(picture, label: label) }
  }
  return painter!.drawn  // Nobody asks for a sheet of no sliders.
}
