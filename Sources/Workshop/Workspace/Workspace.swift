import Foundation
import Torch

/// The artist's folder: packed sets in `cache/`, installed weights in `models/`, runs in `runs/`.
public struct Workspace: Sendable, Equatable {
  public let path: String

  /// - Parameter path: as given by --workspace; else `ATELIER_WORKSPACE`, else `~/Atelier`.
  public init(_ path: String? = nil) {
    let chosen = path ?? ProcessInfo.processInfo.environment["ATELIER_WORKSPACE"].flatMap { $0.isEmpty ? nil : $0 }
    self.path = (chosen ?? "~/Atelier").absolutePath
  }

  public var cache: String { path + "/cache" }
  public var models: String { path + "/models" }
  public var runs: String { path + "/runs" }

  /// Makes a folder of the workspace, when it isn't there.
  ///
  /// - Returns: the folder.
  /// - Throws: `WorkspaceError.cannotCreate`.
  @discardableResult
  public func make(_ folder: String) throws(WorkspaceError) -> String {
    try makeFolder(folder)
    return folder
  }
}

/// Makes a folder and those above it, when they aren't there.
///
/// - Throws: `WorkspaceError.cannotCreate`.
public func makeFolder(_ path: String) throws(WorkspaceError) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw .cannotCreate(path: path, reason: spokenReason(error))
  }
}

/// Why something can't be put into a folder.
public enum WorkspaceError: Explained, Equatable {
  case cannotCreate(path: String, reason: String)
  case cannotWrite(path: String, reason: String)
  /// It is there already, and nobody said --force.
  case exists(path: String)

  public var sentence: String {
    switch self {
    case .cannotCreate(let path, let reason):
      "The folder \(path) can't be made (\(reason)): name another place that can be written to."
    case .cannotWrite(let path, let reason):
      "\(path) can't be written (\(reason)): free some space there, or name another place."
    case .exists(let path):
      "\(path) is there already: name another place, or replace it with --force."
    }
  }
  public var exit: Exit {
    switch self {
    case .cannotCreate, .exists: .cannotCreate
    case .cannotWrite: .io
    }
  }
}

/// The system's own reason under a Foundation error, such as "permission denied".
func spokenReason(_ error: any Error) -> String {
  var error = error as NSError
  while error.domain != NSPOSIXErrorDomain, let under = error.userInfo[NSUnderlyingErrorKey] as? NSError {
    error = under
  }
  guard error.domain == NSPOSIXErrorDomain else { return error.localizedDescription }
  let words = String(cString: strerror(Int32(error.code)))
  return words.prefix(1).lowercased() + words.dropFirst()
}

extension String {
  /// Without `~`, `.` and `..`, from the root.
  var absolutePath: String {
    let expanded = (self as NSString).expandingTildeInPath
    return URL(fileURLWithPath: expanded.isEmpty ? "." : expanded).standardizedFileURL.path
  }

  /// A run's, file's or folder's own name: a path would tell the world the artist's name and folders. Of a run's checkpoint it is the
  /// run's.
  var shownName: String {
    guard contains("/") || [".", "..", "~"].contains(self) else { return self }
    var parts = absolutePath.split(separator: "/").map(String.init)
    if parts.count > 2, ["checkpoints", "best"].contains(parts[parts.count - 2]) { parts.removeLast(2) }
    return parts.last ?? self
  }
}

/// What comes with Atelier: the bundled pictures, the generators that were trained for it, downloads of the set-up.
public enum Product {
  public static let version = "0.1.0"
  /// As files name it.
  static let title = "Atelier \(version)"

  /// The checkout; nil when the binary was moved out of it. `ATELIER_HOUSE` names another.
  public static let path: String? = {
    if let named = ProcessInfo.processInfo.environment["ATELIER_HOUSE"] { return named.absolutePath }
    guard let executable = Bundle.main.executablePath else { return nil }
    var folder = URL(fileURLWithPath: executable).resolvingSymlinksInPath().deletingLastPathComponent()
    while folder.path != "/" {
      if FileManager.default.fileExists(atPath: folder.path + "/Examples") { return folder.path }
      folder.deleteLastPathComponent()
    }
    return nil
  }()

  /// A file or folder of the checkout, when it is there.
  public static func find(_ name: String) -> String? {
    path.map { "\($0)/\(name)" }.flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil }
  }
}
