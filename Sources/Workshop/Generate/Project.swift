import Foundation
import Media
import Models
import Torch
import Training

/// A request to `project`.
public struct ProjectRequest: Sendable {
  /// A run, checkpoint or model of a recipe with styles.
  public var run: String
  /// A folder, a zip file or a picture.
  public var pictures: String
  /// A folder for what is found.
  public var out: String
  public var projection = Projection()
  /// At most so many pictures are taken.
  public var count = 10
  /// Whether the generator is tuned to each picture, too.
  public var tunes = true
  /// The network that says how far pictures are from one another: vgg16, or random for weights that need no download.
  public var network = "vgg16"
  public var force = false

  public init(run: String, pictures: String, out: String) {
    (self.run, self.pictures, self.out) = (run, pictures, out)
  }
}

/// The result for one picture.
public struct Projected: Codable, Sendable, Equatable {
  public let picture: String
  /// Its styles, [layers, D], as safetensors.
  public let styles: String
  /// The generator that was tuned to it; what it makes of other styles suffers.
  public let model: String?
  /// How far it is from the picture to VGG16, by styles alone and after tuning.
  public let distance: Double, tunedDistance: Double?
}

/// Why pictures can't be projected.
public enum ProjectError: Explained, Equatable {
  case noStyles(String, recipe: String)
  case badCount(Int)
  case badSteps(Int)

  public var sentence: String {
    switch self {
    case .noStyles(let name, let recipe):
      "\(name) (\(recipe)) has no styles, which inversion needs: use a run of the recipe \(namesOfRecipes { $0 is any StyleModel.Type })."
    case .badCount(let count): "--count can't be \(count): use a number from 1 to 100."
    case .badSteps(let steps): "--steps can't be \(steps): use a number from 1 to 10000."
    }
  }
  public var exit: Exit { .usage }
}

/// Finds pictures in a generator: styles that make them, and a generator tuned to each. A sheet has the pictures, what their
/// styles make, and what the tuned generators make.
///
/// Pictures that are done stay when it is stopped.
/// - Throws: `ProjectError`, `FileError`, `CheckpointError`, and as `Generator`, `pack` and `installModel`.
@discardableResult
public func project(
  _ request: ProjectRequest, in workspace: Workspace, on device: Device = .cpu,
  tell: (Event) -> Void = { _ in }, shouldStop: () -> Bool = { false }
) throws -> ProjectedSet {
  guard (1...100).contains(request.count) else { throw ProjectError.badCount(request.count) }
  guard (1...10_000).contains(request.projection.steps) else { throw ProjectError.badSteps(request.projection.steps) }
  let out = request.out.absolutePath, sheet = "\(out)/sheet.png"
  if !request.force, access(sheet, F_OK) == 0 { throw FileError.exists(path: sheet) }
  let generator = try Generator(request.run, in: workspace, on: device) { tell(.note($0.sentence)) }
  guard let model = generator.model as? any StyleModel else {
    throw ProjectError.noStyles(generator.name, recipe: generator.facts.recipe)
  }
  let packing = try packing(
    of: generator, size: generator.settings.size, channels: generator.settings.channels, crop: nil)
  let set = try PictureSet(path: pack(request.pictures, packing, in: workspace).path)
  let count = min(request.count, set.count)
  if count < set.count {
    tell(.note("Only the first \(count) of \(set.count) pictures are inverted; --count takes more."))
  }
  let names = uniqueNames(set.names.prefix(count))
  let files = names.flatMap {
    ["\(out)/\($0)-styles.safetensors"] + (request.tunes ? ["\(out)/\($0).safetensors"] : [])
  }
  if !request.force, let there = files.first(where: { access($0, F_OK) == 0 }) { throw FileError.exists(path: there) }
  let perceptualNetwork = try styleNetwork(request.network, in: workspace, on: device) { tell(.note($0)) }
  try AtomicFile.makeFolder(out)

  var pace = Pace(.pictures)
  func run(_ model: some StyleModel) throws -> ProjectedSet {
    let first = model.synthesizer.savedTensors.mapValues { $0.cloned() }
    let cost = Double(request.projection.steps + (request.tunes ? request.projection.tuningSteps : 0))
    var (found, rows): ([Projected], [[Picture]]) = ([], [[], [], []])
    for (number, name) in names.enumerated() where !shouldStop() {
      let picture = alphaWeighted(set.batch([number]).contiguous())
      func report(_ done: Double, _ words: String) -> Bool {
        let fraction = (Double(number) + done / cost) / Double(count)
        tell(pace.at(number, of: count, fraction: fraction, item: "\(name): \(words)"))
        return !shouldStop()
      }
      var noise = Noise(seed: 0)
      let steps = Double(request.projection.steps)
      let styles = request.projection.styles(
        of: picture, in: model, seenBy: perceptualNetwork, noise: &noise, on: device
      ) {
        report($0 * steps, "its styles")
      }
      guard let styles else { break }
      func made() -> Tensor {
        withoutGradients { clamp(model.synthesize(styles.to(device)).to(.cpu), min: -1, max: 1) }
      }
      let plain = made()
      var tuned: Tensor?
      if request.tunes {
        request.projection.tune(model, to: picture, from: styles, seenBy: perceptualNetwork, noise: &noise, on: device)
        {
          report(steps + $0 * Double(request.projection.tuningSteps), "the generator's weights")
        }
        if shouldStop() { break }
        tuned = made()
        try Checkpoint.write(
          model.parts, facts: generator.facts, to: "\(out)/\(name).safetensors")
        // The next picture begins with the generator as it was.
        try model.synthesizer.restore(first)
      }
      let path = "\(out)/\(name)-styles.safetensors"
      try Safetensors.write(
        ["styles": styles[0].contiguous()], metadata: ["of": set.names[number], "checkpoint": generator.hash], to: path)
      let result = Projected(
        picture: set.names[number], styles: path, model: request.tunes ? "\(out)/\(name).safetensors" : nil,
        distance: perceptualNetwork.distance(plain.to(device), picture.to(device)),
        tunedDistance: tuned.map { perceptualNetwork.distance($0.to(device), picture.to(device)) })
      found.append(result)
      tell(.projected(result))
      for (row, pixels) in [picture, plain, tuned].enumerated() {
        if let pixels { rows[row].append(Picture(straightened(pixels)[0])) }
      }
    }
    let tuned = found.compactMap(\.tunedDistance)
    func result(_ sheet: String?) -> ProjectedSet {
      func mean(_ x: [Double]) -> Double? { x.isEmpty ? nil : x.reduce(0, +) / Double(x.count) }
      return ProjectedSet(
        pictures: found.count, distance: mean(found.map(\.distance)), tunedDistance: mean(tuned), sheet: sheet,
        isStopped: found.count < count)
    }
    guard !found.isEmpty else { return result(nil) }
    let words = Provenance.words(of: generator) + [Provenance.software]
    let shown = rows.flatMap { $0 }
    try Sheet(columns: found.count, for: shown.count, cell: set.size).drawn(shown)
      .write(sheet, text: words, source: .trainedAlgorithmicMedia, isForced: request.force)
    tell(.made(MadeFile(.sheet, sheet)))
    return result(sheet)
  }
  return try run(model)
}

/// Names of files without their endings, made different where two are the same: no file may be written over another's.
///
/// Of a.png, a.png and a-2.png these are a, a-3 and a-2: a picture's own name is never another's number. Case is no difference on
/// some disks, and "a-styles" is what the styles of "a" are called.
func uniqueNames(_ names: some Sequence<String>) -> [String] {
  let plain = names.map { (($0 as NSString).lastPathComponent as NSString).deletingPathExtension }
  var taken: Set<String> = []
  func take(_ name: String) -> Bool {
    let files = [name, "\(name)-styles"].map { $0.lowercased() }
    guard taken.isDisjoint(with: files) else { return false }
    taken.formUnion(files)
    return true
  }
  // Those that keep their names come first.
  var found = plain.map { take($0) ? $0 : nil }
  for i in found.indices where found[i] == nil {
    var number = 2
    while !take("\(plain[i])-\(number)") { number += 1 }
    found[i] = "\(plain[i])-\(number)"
  }
  return found.map { $0! }
}
