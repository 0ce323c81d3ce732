import Foundation
import Media
import TestSupport
import Testing
import Torch

@testable import Workshop

/// Folders, zips and tars are walked by one rule: content decides, litter is passed over, what can't be used is named.
@Suite struct WalkTests {
  private static let python = """
    import os, sys, io, struct, tarfile, zipfile, gzip
    folder, out = sys.argv[1], sys.argv[2]
    picture = open(sys.argv[3], 'rb').read()
    inner = io.BytesIO()
    zipfile.ZipFile(inner, 'w').writestr('deep.jpg', picture)
    files = {b'a.jpg': picture, b'sub/deeper/b.JPG': picture, b'no-ending': picture, b'wrong.txt': picture,
             b'caf\\xe9.jpg': picture, 'gr\\u00fcn \\u7d75.jpg'.encode(): picture, b'words.jpg': b'no picture at all',
             b'notes.txt': b'words', b'.hidden.jpg': picture, b'__MACOSX/._a.jpg': b'\\0\\5\\x16\\7', b'Thumbs.db': b'x',
             b'inner.zip': inner.getvalue()}
    def write(name, data):
        path = os.path.join(os.fsencode(folder), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        open(path, 'wb').write(data)
    for name, data in files.items(): write(name, data)
    os.symlink(b'nowhere', os.path.join(os.fsencode(folder), b'broken.jpg'))
    os.symlink(b'.', os.path.join(os.fsencode(folder), b'loop'))
    def tar(path, mode, format):
        with tarfile.open(path, mode, format=format, encoding='utf-8', errors='surrogateescape') as t:
            for name, data in files.items():
                info = tarfile.TarInfo(name.decode('utf-8', 'surrogateescape'))
                info.size = len(data)
                t.addfile(info, io.BytesIO(data))
    tar(out + '/plain.tar', 'w', tarfile.GNU_FORMAT)
    tar(out + '/pressed.tgz', 'w:gz', tarfile.GNU_FORMAT)
    tar(out + '/named.txt', 'w:xz', tarfile.USTAR_FORMAT)
    # Names of any bytes, by hand: Python writes only UTF-8 into zips.
    raw, directory, count = b'', b'', 0
    import zlib
    for name, data in files.items():
        crc, flag = zlib.crc32(data), 0x800 if not name.isascii() and b'\\xe9' not in name else 0
        head = struct.pack('<HHHHHIIIHH', 20, flag, 0, 0, 33, crc, len(data), len(data), len(name), 0)
        directory += b'PK\\1\\2' + struct.pack('<H', 20) + head + struct.pack('<HHHII', 0, 0, 0, 0, len(raw)) + name
        raw += b'PK\\3\\4' + head + name + data
        count += 1
    raw += directory + b'PK\\5\\6' + struct.pack('<HHHHIIH', 0, 0, count, count, len(directory), len(raw), 0)
    open(out + '/plain.zip', 'wb').write(raw)
    """

  @Test func foldersAndArchivesAreWalkedAlike() throws {
    let root = TemporaryFolder()
    try AtomicFile.makeFolder(root.path("in"))
    let script = Process()
    script.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    script.arguments = ["python3", "-c", Self.python, root.path("in"), root.path, Fixtures.path("scene.jpg")]
    try script.run()
    script.waitUntilExit()
    try #require(script.terminationStatus == 0)
    let names = ["a.jpg", "café.jpg", "grün 絵.jpg", "no-ending", "sub/deeper/b.JPG", "words.jpg", "wrong.txt"]
    for source in ["in", "plain.tar", "pressed.tgz", "named.txt", "plain.zip"] {
      let gallery = try Gallery(root.path(source))
      #expect(gallery.candidates.map(\.name).sorted() == names.sorted(), "\(source)")
      #expect(
        gallery.hidden == (source == "in" ? 3 : 3) && gallery.others == 1,
        "\(source): \(gallery.hidden) \(gallery.others)")
      let inner = SetAside(name: "inner.zip", reason: "is an archive, which isn't looked into: unpack it")
      let link = SetAside(name: "broken.jpg", reason: "is a link to nothing")
      #expect(Set(gallery.unreadable) == (source == "in" ? [inner, link] : [inner]), "\(source)")
      let packed = try pack(root.path(source), Packing(size: 16), in: Workspace(root.path("workspace")))
      #expect(packed.count == 6, "\(source)")
      #expect(packed.setAside.contains(SetAside(name: "words.jpg", reason: "isn't a picture")), "\(source)")
    }
  }

  @Test func archivesThatCannotBeReadAreSentences() throws {
    let root = TemporaryFolder()
    try AtomicFile.write([0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18), to: root.path("empty.zip"))
    #expect(throws: GalleryError.noPictures(path: root.path("empty.zip"), others: 0)) {
      try Gallery(root.path("empty.zip"))
    }
    let whole = try FileBytes.read(Checkout.path("Tests/Goldens/checkpoints/good.zip"))
    try AtomicFile.write(Array(whole.prefix(whole.count / 2)), to: root.path("cut.zip"))
    func sentence(_ name: String) -> String? {
      var found: String?
      do { _ = try inspect(root.path(name)) } catch { found = (error as? any Explained)?.sentence }
      return found
    }
    #expect(
      sentence("cut.zip")
        == "The archive '\(root.path("cut.zip"))' is damaged (it is cut short): copy or download it again.")
    try AtomicFile.write(Array("Rar!\u{1A}\u{7}\0 and more".utf8), to: root.path("a.rar"))
    #expect(
      sentence("a.rar") == "\(root.path("a.rar")) is a RAR archive, which isn't read here: save it as PNG or JPEG.")
    try AtomicFile.write([0x1F, 0x8B] + [UInt8](repeating: 7, count: 40), to: root.path("a.gz"))
    #expect(
      sentence("a.gz")
        == "'\(root.path("a.gz"))' is no archive that is read here: unpack it yourself and give the folder.")
  }
}
