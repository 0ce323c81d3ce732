import Foundation
import Media
import Metrics
import Torch
import Training

/// The copy meter of a packed set; what it was calibrated to is kept beside the set.
///
/// - Parameter say: told, where that is still to be done.
func copyMeter(of set: PictureSet, at path: String, say: (String) -> Void = { _ in }) -> CopyMeter {
  let note = path.replacing(".safetensors", with: "-copies.json")
  if let bytes = FileManager.default.contents(atPath: note),
    let known = try? JSONDecoder().decode(CopyMeter.Calibration.self, from: bytes)
  {
    return CopyMeter(real: set.pictures, calibration: known)
  }
  say("Measuring, this once, how like one another the \(counted(set.count, "picture")) are that it learned from.")
  var noise = Noise(seed: 0)
  let meter = CopyMeter(real: set.pictures, noise: &noise)
  // Only spares doing it again.
  if let bytes = try? JSONEncoder().encode(meter.calibration) {
    try? AtomicFile.write(Array(bytes), to: note, isForced: true)
  }
  return meter
}

/// A generated picture that is too much like one that the generator learned from.
public struct FoundCopy: Codable, Sendable, Equatable {
  public let seed: UInt64
  /// The name of the picture it learned from.
  public let of: String
  /// 0 for the same, about 1 for nothing alike.
  public let residue: Double
}

/// Looks for copies among a generator's pictures.
struct CopyWatch {
  private let meter: CopyMeter
  private let names: [String]
  /// More of the real pictures than that are like others: then it means nothing that generated ones are.
  private static let mostFalse = 0.05

  /// nil where what the generator learned from isn't packed in the workspace any more, or real pictures are as like to one
  /// another.
  init?(_ generator: Generator, in workspace: Workspace, say: (String) -> Void) {
    let checkpoints = generator.path.parentPath
    guard let record = try? RunRecord(folder: checkpoints.parentPath), record.towards == nil else {
      return nil
    }
    let place = packedPath(hash: record.hash, key: record.packing.key, in: workspace)
    guard let set = try? PictureSet(path: place), set.count > 1 else { return nil }
    meter = copyMeter(of: set, at: place, say: say)
    names = set.names
    guard meter.calibration.falseRate <= Self.mostFalse else { return nil }
  }

  /// - Parameter pictures: [N, C, H, W] in -1...1, one per seed.
  func copies(among pictures: Tensor, seeds: [UInt64]) -> [FoundCopy] {
    zip(seeds, copies(amongBytes: pictureBytes(pictures))).compactMap { seed, match in
      match.map { FoundCopy(seed: seed, of: names[$0.index], residue: $0.residue) }
    }
  }

  /// What each of uint8 [N, C, H, W] is a copy of; nil for those that are none.
  func copies(amongBytes pictures: Tensor) -> [CopyMeter.Match?] {
    meter.nearest(to: pictures).map { meter.isCopy($0) ? $0 : nil }
  }
}
