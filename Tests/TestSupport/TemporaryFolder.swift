import Foundation

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
