import Foundation
import Media
import Models
import Torch
import Training

/// How well a run of the recipe motion moves pictures it may never have seen.
public struct MotionMeasurement: Codable, Hashable, Sendable {
  public let subject: String, against: String
  public let picturesSeen: Int
  /// Of all sequences, and of those with six frames or more.
  public let all: Part, long: Part?
  /// In the order of the folder.
  public let sequences: [Sequence]

  /// Each sequence's first picture is moved to the poses of its other frames.
  public struct Part: Codable, Hashable, Sendable {
    public let sequences: Int, frames: Int
    /// Mean absolute difference to these frames, 0...1, over red, green, blue multiplied by alpha, and alpha.
    public let error: Double
    /// The same of the first picture itself, held.
    public let held: Double
    /// What is left of that; below 1 is better than not to move it.
    public var ratio: Double { held > 0 ? error / held : 1 }
  }

  public struct Sequence: Codable, Hashable, Sendable {
    public let name: String
    /// But for the first.
    public let frames: Int
    public let error: Double, held: Double
    public var ratio: Double { held > 0 ? error / held : 1 }
  }
}

extension MotionMeasurement.Part {
  /// Means over all frames; nil when there are none.
  fileprivate init?(_ some: [MotionMeasurement.Sequence]) {
    let count = some.reduce(0) { $0 + $1.frames }
    guard count > 0 else { return nil }
    let errors = some.reduce(0) { $0 + $1.error * Double($1.frames) }
    let others = some.reduce(0) { $0 + $1.held * Double($1.frames) }
    (sequences, frames) = (some.count, count)
    (error, held) = (errors / Double(count), others / Double(count))
  }
}

/// Whether a name is that of a run or a model that moves pictures.
public func hasLearnedMotion(_ name: String, in workspace: Workspace) -> Bool {
  verb(of: name, in: workspace) == .animate
}

/// Measures on sequences how much of their motion a run carries over.
///
/// - Parameters:
///   - subject: a run or a model of the recipe motion.
///   - against: sequences, as `packSequences` takes them; of figures that it never saw.
///   - frame: of sheets.
/// - Throws: `AnimateError`, and as `Generator` and `packSequences`.
public func measureMotion(
  _ subject: String, against: String, frame: PictureSize? = nil, in workspace: Workspace, on device: Device = .cpu,
  tell: (Event) -> Void = { _ in }
) throws -> MotionMeasurement {
  let generator = try Generator(subject, in: workspace, on: device) { tell(.note($0.sentence)) }
  guard let model = generator.model as? MotionModel else {
    throw AnimateError.noMotion(subject, recipe: generator.facts.recipe)
  }
  let packing =
    try RunRecord(of: generator)?.packing
    ?? Packing(size: model.settings.size, channels: model.settings.channels)
  let packed = try packSequences(against, frame: frame, packing, in: workspace)
  let set = try PictureSet(path: packed.path), mover = model.mover
  var found: [MotionMeasurement.Sequence] = []
  var pace = Pace(.sequences)
  for (i, sequence) in set.sequences.enumerated() where sequence.frames.count > 1 {
    var error = 0.0, held = 0.0
    let first = multipliedByAlpha(set.batch([sequence.frames.lowerBound]) * 0.5 + 0.5)
    let others = Array(sequence.frames.dropFirst())
    for start in stride(from: 0, to: others.count, by: 16) {
      let wanted = multipliedByAlpha(set.batch(Array(others[start..<min(start + 16, others.count)])) * 0.5 + 0.5)
      let given = first.expanded(wanted.shape).contiguous()
      let made = mover.reconstructed(given.to(device), as: wanted.to(device)).to(.cpu)
      let share = Double(wanted.size(0)) / Double(others.count)
      error += abs(made - wanted).mean().item() * share
      held += abs(given - wanted).mean().item() * share
    }
    found.append(MotionMeasurement.Sequence(name: sequence.name, frames: others.count, error: error, held: held))
    tell(pace.at(i + 1, of: set.sequences.count))
  }
  guard let all = MotionMeasurement.Part(found) else { throw SequenceError.noSequences(path: against) }
  return MotionMeasurement(
    subject: subject, against: against, picturesSeen: generator.facts.picturesSeen, all: all,
    long: MotionMeasurement.Part(found.filter { $0.frames >= 5 }), sequences: found)
}
