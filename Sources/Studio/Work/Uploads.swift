import Catalogue
import Files
import Foundation
import Hummingbird

/// Files that come from a browser. They are streamed to the disk, looked at by their first bytes, and never sent back as they came:
/// pages show copies that the command line decoded and wrote anew.
struct Uploads: Sendable {
  let workspace: String

  /// Bytes of a file: Media's own limit.
  static let limit = 512 << 20

  /// The file of an upload that isn't in a set.
  ///
  /// - Throws: `UploadError.unknown`.
  func file(_ id: String) throws(UploadError) -> String {
    let folder = "\(workspace)/uploads/\(id)"
    guard isCatalogueID(id),
      let name = (try? FileManager.default.contentsOfDirectory(atPath: folder))?.first(where: { !$0.hasSuffix(".part") }
      )
    else { throw .unknown(String(id.prefix(40))) }
    return "\(folder)/\(name)"
  }

  /// Takes one file into a folder.
  ///
  /// - Parameters:
  ///   - name: as the browser says it, with folders where a folder was dropped.
  ///   - length: as announced.
  /// - Returns: the file's name in the folder.
  /// - Throws: `UploadError`, `FileTrouble`; nothing is left of what was refused.
  func take(_ body: RequestBody, named name: String, into folder: String, length: Int?) async throws -> String {
    guard (length ?? 0) <= Uploads.limit else { throw UploadError.tooLarge }
    let parts = Uploads.safe(name)
    guard let last = parts.last else { throw UploadError.badName }
    let ending = (last as NSString).pathExtension.lowercased()
    guard Uploads.endings.contains(ending) else { throw UploadError.notAPicture(last) }
    let target = ([folder] + parts.dropLast()).joined(separator: "/")
    try AtomicFile.makeFolder(target)
    let temporary = "\(target)/.\(UInt64.random(in: 0 ... .max)).part"
    try await Uploads.stream(body, to: temporary, limit: Uploads.limit) { start, count in
      guard count > 0, Uploads.isWhatItSays(start, ending) else { throw UploadError.notAPicture(last) }
    }
    // Nothing is overwritten: the next free name.
    let stem = (last as NSString).deletingPathExtension
    for number in 1..<10_000 {
      let free = number == 1 ? last : "\(stem)-\(number).\((last as NSString).pathExtension)"
      if link(temporary, "\(target)/\(free)") == 0 {
        unlink(temporary)
        return (parts.dropLast() + [free]).joined(separator: "/")
      }
      guard errno == EEXIST else { break }
    }
    unlink(temporary)
    throw FileTrouble.last(target)
  }

  /// Takes a project's zip.
  ///
  /// - Returns: where it lies; whoever asked takes it away.
  /// - Throws: `ProjectTrouble`, `UploadError`, `FileTrouble`.
  func takeProject(_ body: RequestBody, length: Int?) async throws -> String {
    guard UInt64(max(0, length ?? 0)) <= Projects.limit else { throw ProjectTrouble.tooLarge }
    let folder = "\(workspace)/studio"
    // The zip and what comes out of it lie side by side for a while.
    let needed = UInt64(max(0, length ?? 0)) * 2 + 256 << 20
    guard needed < Projects.freeBytes(folder) else { throw ProjectTrouble.noRoom(needed: needed) }
    let path = "\(folder)/import-\(UUID().uuidString).part"
    try await Uploads.stream(body, to: path, limit: Int(Projects.limit)) { start, _ in
      guard start.starts(with: Data("PK".utf8)) else { throw ZipTrouble.noZip }
    }
    return path
  }

  /// Writes a body to a new file; nothing is left of it where that fails.
  ///
  /// - Parameter check: looks at its first bytes and its length.
  private static func stream(
    _ body: RequestBody, to path: String, limit: Int, check: (_ start: Data, _ count: Int) throws -> Void
  ) async throws {
    let file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw FileTrouble.last(path) }
    defer { close(file) }
    do {
      var count = 0, start = Data()
      for try await buffer in body {
        count += buffer.readableBytes
        guard count <= limit else { throw UploadError.tooLarge }
        if start.count < 64 { start += Data(buffer: buffer).prefix(64) }
        guard buffer.withUnsafeReadableBytes({ AtomicFile.writeAll($0, to: file) }) else {
          throw FileTrouble.last(path)
        }
      }
      try check(start, count)
      guard fsync(file) == 0 else { throw FileTrouble.last(path) }
    } catch {
      unlink(path)
      throw error
    }
  }

  private static let endings: Set = [
    "png", "jpg", "jpeg", "webp", "gif", "tif", "tiff", "avif", "heic", "bmp", "txt", "mp4", "mov", "mkv", "webm",
    "wav", "mp3", "flac", "ogg", "oga", "opus", "m4a", "aac", "aif", "aiff",
  ]

  /// A name's parts, three at most, without what a file system or a program could take for something else.
  static func safe(_ name: String) -> [String] {
    let parts = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).map { part -> String in
      var word = String(String.UnicodeScalarView(part.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }))
        .trimmingCharacters(in: .whitespaces)
      if word.hasPrefix("-") || word.hasPrefix(".") { word = "_" + word.drop { $0 == "." } }
      while word.utf8.count > 150 { word.remove(at: word.startIndex) }
      return word
    }
    return Array(parts.filter { !$0.isEmpty && $0 != "_" }.suffix(3))
  }

  /// Whether the first bytes are a caption's, or of some picture, film or sound: phones and pages give many the ending of another
  /// kind, and what a file is its content says. A drawing with scripts (SVG), or a page, is no picture here.
  static func isWhatItSays(_ start: Data, _ ending: String) -> Bool {
    let bytes = [UInt8](start)
    func begins(_ text: String, at place: Int = 0) -> Bool { bytes.dropFirst(place).starts(with: Array(text.utf8)) }
    if ending == "txt" { return !bytes.contains(0) && !begins("<") }
    guard endings.contains(ending) else { return false }
    let starts: [[UInt8]] = [
      [0x89, 0x50, 0x4E, 0x47], [0xFF, 0xD8, 0xFF], [0x1A, 0x45, 0xDF, 0xA3],
      // MPEG's layers, and AAC in its own frames.
      [0xFF, 0xFB], [0xFF, 0xF3], [0xFF, 0xF2], [0xFF, 0xFA], [0xFF, 0xE3], [0xFF, 0xF1], [0xFF, 0xF9],
    ]
    let words = ["GIF8", "II*\0", "MM\0*", "II+\0", "MM\0+", "BM", "ID3", "fLaC", "OggS"]
    // A container, and what it holds; QuickTime's older files begin with any of its boxes.
    let inner = [("RIFF", 8, "WEBP"), ("RIFF", 8, "WAVE"), ("FORM", 8, "AIFF"), ("FORM", 8, "AIFC")]
    let boxes = ["ftyp", "moov", "mdat", "wide", "free", "skip"]
    return starts.contains { bytes.starts(with: $0) } || words.contains { begins($0) }
      || inner.contains { begins($0.0) && begins($0.2, at: $0.1) } || boxes.contains { begins($0, at: 4) }
  }
}

/// Why a file isn't taken.
enum UploadError: Refusal, Equatable {
  case tooLarge
  case badName
  case notAPicture(String)
  case unknown(String)

  var sentence: String {
    switch self {
    case .tooLarge: "A file may have \(Uploads.limit >> 20) MB: make it smaller, then drop it again."
    case .badName: "The file has no name: give it one, then drop it again."
    case .notAPicture(let name):
      "\(name) isn't a picture, a film, a sound or a caption of the kind that its name says: leave it out."
    case .unknown(let id): "There is no upload \(id): drop the file again."
    }
  }
  var status: Int {
    switch self {
    case .tooLarge: 413
    case .badName: 422
    case .notAPicture: 415
    case .unknown: 404
    }
  }
  var exitCode: Int32 { 65 }
}
