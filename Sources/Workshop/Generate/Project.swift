import Foundation
import Media
import Models
import Torch
import Training

/// What `project` is asked for.
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

/// What became of one picture.
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
      "\(name) (\(recipe)) isn't steered by styles, so no picture can be found in it: use a run of the recipe r3gan, projected or stylegan2."
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
  guard let recipe = generator.recipe as? any StyleRecipe else {
    throw ProjectError.noStyles(generator.name, recipe: generator.facts.recipe)
  }
  let packing = packing(of: generator, size: generator.settings.size, channels: generator.settings.channels, crop: nil)
  let set = try PictureSet(path: pack(request.pictures, packing, in: workspace).path)
  let count = min(request.count, set.count)
  if count < set.count { tell(.note("The first \(count) of \(set.count) pictures are taken; --count takes more.")) }
  let names = uniqueNames(set.names.prefix(count))
  let files = names.flatMap {
    ["\(out)/\($0)-styles.safetensors"] + (request.tunes ? ["\(out)/\($0).safetensors"] : [])
  }
  if !request.force, let there = files.first(where: { access($0, F_OK) == 0 }) { throw FileError.exists(path: there) }
  let eye = try styleNetwork(request.network, in: workspace, on: device) { tell(.note($0)) }
  try AtomicFile.makeFolder(out)

  var pace = Pace(.pictures)
  func run(_ recipe: some StyleRecipe) throws -> ProjectedSet {
    let first = recipe.synthesizer.savedTensors.mapValues { $0.cloned() }
    let cost = Double(request.projection.steps + (request.tunes ? request.projection.tuningSteps : 0))
    var (found, rows): ([Projected], [[Picture]]) = ([], [[], [], []])
    for (number, name) in names.enumerated() where !shouldStop() {
      let picture = alphaWeighted(set.batch([number]).contiguous())
      func told(_ done: Double, _ words: String) -> Bool {
        let fraction = (Double(number) + done / cost) / Double(count)
        tell(pace.at(number, of: count, fraction: fraction, item: "\(name): \(words)"))
        return !shouldStop()
      }
      var noise = Noise(seed: 0)
      let steps = Double(request.projection.steps)
      let styles = request.projection.styles(of: picture, in: recipe, seenBy: eye, noise: &noise, on: device) {
        told($0 * steps, "its styles")
      }
      guard let styles else { break }
      func made() -> Tensor {
        withoutGradients { clamp(recipe.synthesize(styles.to(device)).to(.cpu), min: -1, max: 1) }
      }
      let plain = made()
      var tuned: Tensor?
      if request.tunes {
        request.projection.tune(recipe, to: picture, from: styles, seenBy: eye, noise: &noise, on: device) {
          told(steps + $0 * Double(request.projection.tuningSteps), "the generator's weights")
        }
        if shouldStop() { break }
        tuned = made()
        try Checkpoint.write(
          recipe.published, facts: generator.facts, to: "\(out)/\(name).safetensors")
        // The next picture begins with the generator as it was.
        try recipe.synthesizer.restore(first)
      }
      let path = "\(out)/\(name)-styles.safetensors"
      try Safetensors.write(
        ["styles": styles[0].contiguous()], metadata: ["of": set.names[number], "checkpoint": generator.hash], to: path)
      let result = Projected(
        picture: set.names[number], styles: path, model: request.tunes ? "\(out)/\(name).safetensors" : nil,
        distance: eye.distance(plain.to(device), picture.to(device)),
        tunedDistance: tuned.map { eye.distance($0.to(device), picture.to(device)) })
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
    let words = [
      (key: "Run", value: generator.name), (key: "Checkpoint", value: "sha256:\(generator.hash)"),
      (key: "Software", value: "Atelier \(House.version), LibTorch \(LibTorch.version)"),
    ]
    let shown = rows.flatMap { $0 }
    try Sheet(columns: found.count, for: shown.count, cell: set.size).drawn(shown)
      .write(sheet, text: words, xmp: Provenance.xmp(), isForced: request.force)
    tell(.made(MadeFile(.sheet, sheet)))
    return result(sheet)
  }
  return try run(recipe)
}

/// Names of files without their endings, made different where two are the same.
private func uniqueNames(_ names: some Sequence<String>) -> [String] {
  var seen: [String: Int] = [:]
  return names.map { name in
    let plain = ((name as NSString).lastPathComponent as NSString).deletingPathExtension
    seen[plain, default: 0] += 1
    return seen[plain]! == 1 ? plain : "\(plain)-\(seen[plain]!)"
  }
}
