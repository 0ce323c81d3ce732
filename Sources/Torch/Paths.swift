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
