import Foundation
import Media
import Torch

/// What is found in a folder or an archive, by one rule: names and first bytes tell.
struct FoundFiles {
  var candidates: [Gallery.Candidate] = []
  var hidden = 0
  var others = 0
  var unreadable: [SetAside] = []
  /// Files of crops by hand, by their pictures' names.
  var crops: [String: HandCrops.Place] = [:]

  /// Hidden files, and what the Finder, Explorer and network drives leave in folders and archives.
  static func isLitter(_ name: String) -> Bool {
    name.hasPrefix(".")
      || ["__MACOSX", "@eaDir", "$RECYCLE.BIN", "Thumbs.db", "ehthumbs.db", "desktop.ini"].contains(name)
  }

  static func isPictureName(_ name: String) -> Bool {
    PictureFormat.extensions.contains((name as NSString).pathExtension.lowercased())
  }

  /// - Parameter start: gives the file's first bytes.
  mutating func add(_ name: String, _ file: FilePath, number: Int = 0, stamp: String, _ start: () -> [UInt8]?) {
    let candidate = Gallery.Candidate(name: name, file: file, number: number, stamp: stamp)
    // What is named like a picture and is none is told of when it is read.
    if Self.isPictureName(name) {
      candidates.append(candidate)
      return
    }
    if let picture = HandCrops.picture(ofFile: name) {
      crops[picture] = HandCrops.Place(file: file, number: number)
      return
    }
    // A name without a picture's ending may still be one: what a phone or a browser saved without a name.
    switch start().map(FileKind.init(start:)) ?? .unknown {
    case .picture: candidates.append(candidate)
    case .archive, .other("a RAR archive"), .other("a 7z archive"):
      unreadable.append(SetAside(name: name, reason: "is an archive, which isn't looked into: unpack it"))
    case .other("a camera's raw picture"):
      unreadable.append(SetAside(name: name, reason: PictureError.cameraRaw(name: name).reason))
    default: others += 1
    }
  }
}

/// A walk through a folder's folders, by names of any bytes. Links are followed, each folder once.
struct FolderWalk {
  private(set) var found = FoundFiles()
  private var seen: Set<[UInt64]> = []

  static func stamp(_ facts: stat) -> String {
    #if canImport(Darwin)
      let (modified, changed) = (facts.st_mtimespec, facts.st_ctimespec)
    #else
      let (modified, changed) = (facts.st_mtim, facts.st_ctim)
    #endif
    return "\(facts.st_size) \(facts.st_dev) \(facts.st_ino) \(modified.tv_sec).\(modified.tv_nsec) "
      + "\(changed.tv_sec).\(changed.tv_nsec)"
  }

  /// - Throws: `GalleryError.unreadable` for the folder itself; those inside are noted.
  mutating func enter(_ path: String) throws(GalleryError) {
    var facts = stat()
    stat(path, &facts)
    _ = isNew(facts)
    let folder = FilePath(path)
    guard let names = Self.names(in: folder) else { throw .unreadable(path: path, why: reasonOfLastError()) }
    for name in names { visit(String(fileName: name), at: folder.appending(name)) }
  }

  private mutating func visit(_ name: String, at path: FilePath) {
    guard !FoundFiles.isLitter(name.split(separator: "/").last.map(String.init) ?? name) else {
      found.hidden += 1
      return
    }
    var facts = stat()
    guard path.withCString({ stat($0, &facts) }) == 0 else {
      let leadsNowhere = errno == ELOOP || errno == ENOENT
      let reason = leadsNowhere ? "is a link to nothing" : "can't be read (\(reasonOfLastError()))"
      found.unreadable.append(SetAside(name: name, reason: reason))
      return
    }
    switch facts.st_mode & S_IFMT {
    case S_IFDIR:
      guard isNew(facts) else { return }
      guard let names = Self.names(in: path) else {
        found.unreadable.append(SetAside(name: name, reason: "can't be opened (\(reasonOfLastError()))"))
        return
      }
      for inner in names { visit("\(name)/\(String(fileName: inner))", at: path.appending(inner)) }
    case S_IFREG:
      found.add(name, path, stamp: Self.stamp(facts)) { try? FileBytes.read(path, first: FileKind.signatureBytes) }
    default: found.others += 1
    }
  }

  private mutating func isNew(_ facts: stat) -> Bool {
    seen.insert([UInt64(truncatingIfNeeded: facts.st_dev), UInt64(truncatingIfNeeded: facts.st_ino)]).inserted
  }

  /// In the order of their bytes; nil with `errno` set when the folder can't be opened.
  private static func names(in path: FilePath) -> [[UInt8]]? {
    guard let folder = path.withCString({ opendir($0) }) else { return nil }
    defer { closedir(folder) }
    var names: [[UInt8]] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 1) { start in
          UnsafeBufferPointer(start: start, count: strlen(start)).map { UInt8(bitPattern: $0) }
        }
      }
      if name != [0x2E] && name != [0x2E, 0x2E] { names.append(name) }
    }
    return names.sorted { $0.lexicographicallyPrecedes($1) }
  }
}
