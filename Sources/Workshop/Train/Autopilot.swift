import Foundation
import Evaluation
import Models
import Torch
import Training

/// A fault of a run, with its cause, in plain language.
public struct Trouble: Codable, Sendable, Equatable {
  public enum Cause: String, Codable, Sendable, CaseIterable {
    /// Most of the pictures are one and the same.
    case repeatedPicture
    /// Pictures are in the wrong folders.
    case mixedLabels
    /// It learns in too large steps.
    case learningRate
    /// All generated pictures are alike, for another reason.
    case collapse
    /// What it makes only gets worse.
    case decline
    /// Numbers grew beyond all bounds, for another reason.
    case divergence
  }
  public let cause: Cause
  /// The fault, and what to do next.
  public let words: String

  private enum CodingKeys: String, CodingKey {
    case cause
    case words = "text"
  }
}

/// Watches over a run: looks at the pictures before it, and at what is generated while it goes on.
final class Autopilot {
  private let record: RunRecord
  private let set: PictureSet
  private let labels: PictureClasses?
  /// Learning rates by the settings' names that are far above what the recipe would choose itself.
  private let highRates: [(name: String, value: Double, usual: Double)]
  private let realVariety: Double
  private var told: Set<Trouble.Cause> = []
  /// How many of the last looks at samples found them alike.
  private var alike = 0

  /// A rate so many times the usual one is too high for any picture.
  private static let highRate = 10.0
  /// More of the pictures than this are the same one.
  private static let repeated = 0.5
  /// More of the pictures than this are surely of another folder's kind.
  private static let mixed = 0.12
  /// Generated pictures that differ less than this part of what real ones do are all alike.
  private static let alike = 0.2
  /// Before so many pictures were seen, all are grey.
  private static let firstLook = 2000
  /// Pictures that are looked at for their classes, and for being the same: larger sets are sampled.
  private static let mostLooked = 600, mostCompared = 4000

  init<S: RecipeSettings>(_ record: RunRecord, settings: S, set: PictureSet, labelled: Bool) {
    (self.record, self.set) = (record, set)
    let found = PictureClasses(of: set.names)
    labels = labelled && !found.names.isEmpty ? found : nil
    highRates = S.keys.filter { $0 == "rate" || $0.hasSuffix("Rate") }.compactMap { name in
      // The defaults are the recipe's own choice on this machine, in all recipes that have rates.
      guard let value = number(name, in: settings.json), let usual = number(name, in: S().json), usual > 0,
        value >= Self.highRate * usual
      else { return nil }
      return (name, value, usual)
    }
    realVariety = variety(set.batch(set.sample(atMost: 64)))
  }

  // MARK: Before the run

  /// - Parameters:
  ///   - path: the packed set's.
  ///   - say: told what takes time.
  func lookAtPictures(
    in workspace: Workspace, on device: Device, at path: String, say: (String) -> Void = { _ in }
  ) throws -> [Trouble] {
    var found: [Trouble] = []
    let looked = set.sample(atMost: Self.mostCompared)
    if let most = mostRepeated(among: looked), Double(most.count) >= max(8, Self.repeated * Double(looked.count)) {
      let all = looked.count < set.count ? "\(looked.count) pictures that were looked at" : "\(set.count) pictures"
      found.append(
        Trouble(
          cause: .repeatedPicture,
          words:
            "\(most.count) of the \(all) are the same as \(most.name): a generator learns only that "
            + "one. Take the repeats out, or add other pictures; `atelier inspect` lists them."))
    }
    if let trouble = try mixedLabels(in: workspace, on: device, at: path, say) { found.append(trouble) }
    if let high = highRates.first {
      found.append(
        Trouble(
          cause: .learningRate,
          words: "--\(hyphenated(high.name)) \(plain(high.value)) is \(Int((high.value / high.usual).rounded())) times "
            + "the usual \(plain(high.usual)), too large to learn anything. Leave it out."))
    }
    for trouble in found { told.insert(trouble.cause) }
    return found
  }

  /// The picture that most others are the same as, to the eye.
  private func mostRepeated(among numbers: [Int]) -> (name: String, count: Int)? {
    let side = 8
    var groups: [[UInt8]: (first: Int, count: Int)] = [:]
    for start in stride(from: 0, to: numbers.count, by: 64) {
      let some = numbers[start..<min(start + 64, numbers.count)]
      let small = interpolate(set.bytes(of: some).to(.float32), size: [side, side], mode: .area)
      // Steps of 8 levels: JPEG's noise doesn't make another picture, nor does a level of rounding at a step's edge count
      // for more than one step.
      let rows = round(small / 8).to(.uint8).bytes, width = rows.count / some.count
      for (i, number) in some.enumerated() {
        groups[Array(rows[i * width..<(i + 1) * width]), default: (number, 0)].count += 1
      }
    }
    return groups.values.max { ($0.count, $1.first) < ($1.count, $0.first) }.map { (set.names[$0.first], $0.count) }
  }

  /// Pictures whose five nearest, as a trained network sees them, agree on another folder than theirs.
  private func mixedLabels(
    in workspace: Workspace, on device: Device, at path: String, _ say: (String) -> Void
  ) throws -> Trouble? {
    guard let labels, labels.names.count <= 20, set.count >= 24 else { return nil }
    // Where there are no weights to be had, this is left out.
    guard let net = try? featureNet(isQuick: true, in: workspace, on: device) else { return nil }
    let count = min(Self.mostLooked, set.count)
    if SetFeatures.known(of: set, at: path, by: net).size(0) < count, count > 200 {
      say("Checking, once, whether \(counted(count, "picture")) are in the right folders.")
    }
    let seen = SetFeatures(of: set, at: path, by: net, atMost: count)
    let labelled = seen.numbers.indices.filter { labels.labels[seen.numbers[$0]] >= 0 }
    let numbers = labelled.map { seen.numbers[$0] }
    guard numbers.count >= 24 else { return nil }
    let features = seen.values.indexSelected(dim: 0, indices: Tensor(labelled))
    let unit = features * rsqrt(square(features).sum(dims: [1], keepDims: true) + 1e-12)
    let likeness = matmul(unit, unit.T) - 4 * Tensor.eye(numbers.count)
    let nearest = likeness.topK(5, dim: 1).indices
    var wrong = 0
    for (i, row) in nearest.unbound().enumerated() {
      let nearby = row.ints.map { labels.labels[numbers[$0]] }
      let most = Dictionary(grouping: nearby) { $0 }.max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }!
      if most.value.count >= 4, most.key != labels.labels[numbers[i]] { wrong += 1 }
    }
    // Where classes are spread at random, four of five agree as often as chance has it.
    let share = Double(wrong) / Double(numbers.count)
    guard share > Self.mixed else { return nil }
    return Trouble(
      cause: .mixedLabels,
      words:
        "\(wrong) of \(numbers.count) pictures look like those of another folder: it learns a class from each "
        + "folder, and will mix them up. Sort the folders again, or use --conditional false.")
  }

  // MARK: While it runs

  /// - Parameters:
  ///   - samples: [N, C, H, W] in -1...1.
  ///   - isSheet: whether they are rows that belong together, not samples of their own.
  func look(at samples: Tensor, isSheet: Bool, picturesSeen: Int) -> Trouble? {
    guard !isSheet, samples.size(0) >= 8, picturesSeen >= Self.firstLook else { return nil }
    let ratio = variety(samples) / max(realVariety, 1e-9)
    alike = ratio < Self.alike ? alike + 1 : 0
    // Real ones may be one picture.
    guard alike >= 2, realVariety > 1e-3 else { return nil }
    if let high = highRates.first {
      return tell(
        .learningRate,
        "all generated pictures are alike, because the learning rate is too high: --\(hyphenated(high.name)) "
          + "\(plain(high.value)) is \(Int((high.value / high.usual).rounded())) times the usual. Train again without it.",
        isNew: true)
    }
    return tell(
      .collapse,
      "all generated pictures are nearly the same (\(Int(100 * ratio)) % of what yours differ by). It may come back; if "
        + "it doesn't, go on from an earlier checkpoint, or train again with --augment 0.5 or another --seed.")
  }

  func look(at keeper: BestKeeper) -> Trouble? {
    guard keeper.isOnlyWorse, let best = keeper.best, let now = keeper.notes.looks.last else { return nil }
    return tell(
      .decline,
      "its pictures keep getting worse: KID × 1000 was \(plain(best.kid.rounded())) after "
        + "\(best.picturesSeen) pictures and is \(plain(now.kid.rounded())) now. It stops; `generate` takes the best. To "
        + "go further, train again with more pictures or a stronger --augment.")
  }

  func lookAtRollBack(_ reason: String) -> Trouble? {
    if let high = highRates.first {
      return tell(
        .learningRate,
        "it diverged, because the learning rate is too high: --\(hyphenated(high.name)) \(plain(high.value)) is "
          + "\(Int((high.value / high.usual).rounded())) times the usual. Train again without it.", isNew: true)
    }
    return tell(
      .divergence,
      "training diverged (\(reason)) at the usual learning rate: it goes on with half of that. If it "
        + "happens again, use --precision float32.")
  }

  private var toldAgain: Set<Trouble.Cause> = []
  /// - Parameter isNew: whether it is worth telling once more, though it was told before the run.
  private func tell(_ cause: Trouble.Cause, _ words: String, isNew: Bool = false) -> Trouble? {
    let first = told.insert(cause).inserted
    let again = isNew && toldAgain.insert(cause).inserted
    return first || again ? Trouble(cause: cause, words: words) : nil
  }
}

/// How much pictures [N, C, H, W] differ from one another: the deviation of their pixels at 8 px, in -1...1.
private func variety(_ pictures: Tensor) -> Double {
  guard pictures.size(0) > 1 else { return 0 }
  return withoutGradients {
    let small = interpolate(pictures.to(.float32).contiguous(), size: [8, 8], mode: .area)
    return sqrt(small.variance(dims: [0]).mean()).item()
  }
}

/// A setting's value.
func number(_ name: String, in json: String) -> Double? {
  let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
  return object?[name] as? Double
}

func flag(_ name: String, in json: String) -> Bool {
  let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
  return object?[name] as? Bool ?? false
}

private func plain(_ value: Double) -> String { String(format: "%g", value) }
