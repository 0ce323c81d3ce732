import Foundation

extension String {
  /// What comes before the last slash of a path; empty for a plain name, "/" for what is at the root.
  ///
  /// Foundation's `deletingLastPathComponent` crashes on names of one letter (Swift 6, Linux).
  public var parentPath: String {
    var name = self[...]
    while name.count > 1, name.last == "/" { name.removeLast() }
    guard let slash = name.lastIndex(of: "/") else { return "" }
    var parent = name[..<slash]
    while parent.count > 1, parent.last == "/" { parent.removeLast() }
    return parent.isEmpty ? "/" : String(parent)
  }
}

/// Waits until the disk has the names in a file's folder: a name that was just given may be lost with the power else.
///
/// Some file systems can't; nothing better can be done there, so that is no error.
public func syncFolder(of path: String) {
  let parent = path.parentPath
  let folder = open(parent.isEmpty ? "." : parent, O_RDONLY | O_CLOEXEC)
  guard folder >= 0 else { return }
  fsync(folder)
  close(folder)
}
