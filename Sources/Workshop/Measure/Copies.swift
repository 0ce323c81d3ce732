import Foundation
import Media
import Evaluation
import Torch
import Training

/// A search for copies among a packed set's pictures; its coarse look at them is kept beside the set.
///
/// - Parameter say: told, where that look is still to be taken and takes long.
func copySearch(among set: PictureSet, at path: String, say: (String) -> Void = { _ in }) -> CopySearch {
  let file = path.replacing(".safetensors", with: "-grids.safetensors")
  let key = "1 \(set.metadata["hash"] ?? "") \(set.count)"
  // A damaged file is no error: it is made anew.
  if let (tensors, metadata) = try? Safetensors.read(file), metadata["key"] == key, let grids = tensors["grids"],
    grids.shape == [set.count, 3, 8, 8], grids.dtype == .float16
  {
    return CopySearch(among: set.pictures, grids: grids)
  }
  if set.count > 10_000 {
    say("Indexing, once, the \(counted(set.count, "picture")) to search for copies.")
  }
  let grids = CopySearch.grids(of: set.pictures)
  // Only spares doing it again.
  try? Safetensors.write(["grids": grids], metadata: ["key": key], to: file)
  return CopySearch(among: set.pictures, grids: grids)
}

/// The copy meter of a packed set; what it was calibrated to is kept beside the set.
func copyMeter(_ search: CopySearch, at path: String) -> CopyMeter {
  let note = path.replacing(".safetensors", with: "-copies.json")
  if let bytes = FileManager.default.contents(atPath: note),
    let known = try? JSONDecoder().decode(CopyMeter.Calibration.self, from: bytes)
  {
    return CopyMeter(search, calibration: known)
  }
  var noise = Noise(seed: 0)
  let meter = CopyMeter(search, noise: &noise)
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
final class CopyWatch {
  private let search: CopySearch
  /// The packed set's file.
  let place: String
  private let names: [String]
  /// Made when there is a picture that may be a copy: most have none, and it takes seconds.
  private lazy var meter = copyMeter(search, at: place)
  /// More of the real pictures than that are like others: then it means nothing that generated ones are.
  private static let mostFalse = 0.05
  /// That share, once a picture was like a real one and nothing could be told because of it.
  private(set) var alike: Double?

  /// nil where what the generator learned from isn't packed in the workspace any more.
  init?(_ generator: Generator, in workspace: Workspace, say: (String) -> Void) {
    let record: RunRecord?
    do { record = try RunRecord(of: generator) } catch {
      // Pictures can be made all the same.
      say("Copies aren't looked for, since nothing says what it learned from: \(error.sentence)")
      return nil
    }
    guard let record, record.towards == nil else { return nil }
    place = record.packedSet(in: workspace)
    guard let set = try? PictureSet(path: place), set.count > 1 else { return nil }
    search = copySearch(among: set, at: place, say: say)
    names = set.names
  }

  /// - Parameter pictures: [N, C, H, W] in -1...1, one per seed.
  func copies(among pictures: Tensor, seeds: [UInt64]) -> [FoundCopy] {
    zip(seeds, copies(amongBytes: pictureBytes(pictures))).compactMap { seed, match in
      match.map { FoundCopy(seed: seed, of: names[$0.index], residue: $0.residue) }
    }
  }

  /// What each of uint8 [N, C, H, W] is a copy of; nil for those that are none, and for all where real pictures are as like to
  /// one another.
  ///
  /// - Parameter found: what they are most like among the same set, where that is known.
  func copies(amongBytes pictures: Tensor, nearest found: [CopySearch.Match]? = nil) -> [CopySearch.Match?] {
    let found = found ?? search.nearest(to: pictures)
    guard found.contains(where: { $0.residue < CopyMeter.Calibration.most }) else { return found.map { _ in nil } }
    guard meter.calibration.falseRate <= Self.mostFalse else {
      alike = meter.calibration.falseRate
      return found.map { _ in nil }
    }
    return found.map { meter.isCopy($0) ? $0 : nil }
  }
}
