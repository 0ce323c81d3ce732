import Foundation
import Synchronization

/// A folder of its own for one test, removed with it.
public final class TemporaryFolder {
  public let path = temporaryPath("atelier")

  public init() { try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit {
    chmod(path, 0o755)
    try? FileManager.default.removeItem(atPath: path)
  }

  public func path(_ name: String) -> String { "\(path)/\(name)" }
  public var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}

/// A path among temporary files where nothing is yet.
public func temporaryPath(_ name: String, _ ending: String = "") -> String {
  FileManager.default.temporaryDirectory.appendingPathComponent("\(name)-\(UUID().uuidString)\(ending)").path
}

/// A new folder for all tests, removed when they end.
public func sharedFolder(_ name: String) throws -> String {
  let path = temporaryPath(name)
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  shared.withLock { folders in
    if folders.isEmpty {
      atexit { for path in shared.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) } }
    }
    folders.append(path)
  }
  return path
}

private let shared = Mutex<[String]>([])
