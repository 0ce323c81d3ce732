import Foundation
import Media

/// How much the workspace's cache of packed sets may hold.
///
/// A set is packed from its pictures again when it is missed, so those that were used least recently are deleted once all are
/// larger than the limit. Three kinds stay, whatever their size: what was used within a day, which another process may be about to
/// open; what a run learned from whose pictures aren't there any more, since nothing could be made of them again; and all that isn't
/// a packed set.
enum CacheLimit {
  /// 32 GB: a hundred thousand pictures of 256 px are 20.
  static let bytes = 32_000_000_000
  private static let recent = 86_400.0

  /// Says that a set is used now.
  static func touch(_ set: String) { utimes(set, nil) }

  /// Deletes what is beyond the limit, and what was derived from it.
  ///
  /// A file that can't be deleted stays: the cache is only larger then.
  /// - Parameter now: seconds since 1970.
  static func keep(_ workspace: Workspace, below limit: Int = bytes, now: Double = Date().timeIntervalSince1970) {
    let files = FileManager.default
    // Named by 24 digits of a hash; features, grids and notes of a set begin with its name.
    var sets: [String: (bytes: Int, used: Double, files: [String])] = [:]
    for name in (try? files.contentsOfDirectory(atPath: workspace.cache)) ?? [] {
      let key = String(name.prefix(24)), path = "\(workspace.cache)/\(name)"
      guard key.count == 24, key.allSatisfy(\.isHexDigit), !name.hasSuffix(".part"), !name.hasSuffix(".hash") else {
        continue
      }
      var facts = stat()
      guard stat(path, &facts) == 0 else { continue }
      var set = sets[key] ?? (0, 0, [])
      set.bytes += Int(facts.st_size)
      set.used = max(set.used, Double(facts.st_mtim.tv_sec))
      set.files.append(path)
      sets[key] = set
    }
    var all = sets.values.reduce(0) { $0 + $1.bytes }
    guard all > limit else { return }
    let needed = irreplaceable(in: workspace)
    for (key, set) in sets.sorted(by: { $0.value.used < $1.value.used }) {
      guard all > limit else { return }
      guard now - set.used > recent, !needed.contains(key) else { continue }
      // The set last, since without it the rest means nothing.
      for path in set.files.sorted().reversed() { unlink(path) }
      all -= set.bytes
    }
  }

  /// The sets of runs whose pictures are gone.
  private static func irreplaceable(in workspace: Workspace) -> Set<String> {
    var found: Set<String> = []
    for run in (try? FileManager.default.contentsOfDirectory(atPath: workspace.runs)) ?? [] {
      guard let record = try? RunRecord(folder: "\(workspace.runs)/\(run)") else { continue }
      if !FileManager.default.fileExists(atPath: record.pictures) {
        found.insert(String((record.packedSet(in: workspace) as NSString).lastPathComponent.prefix(24)))
      }
      if let second = record.towards, !FileManager.default.fileExists(atPath: second.pictures) {
        let set = packedPath(hash: second.hash, key: second.packing.key, in: workspace)
        found.insert(String((set as NSString).lastPathComponent.prefix(24)))
      }
    }
    return found
  }
}
