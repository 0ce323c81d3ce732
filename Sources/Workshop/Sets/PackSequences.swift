import Foundation
import Media
import Torch
import Training

/// Packs sequences of pictures for training, once, as `pack` does with single pictures.
///
/// Frames of one sequence are laid on one canvas, so that they stay in place, and made squares alike; small ones with
/// transparency keep their pixels.
/// - Parameters:
///   - path: a folder of numbered files, of folders, clips or sheets, or a zip file or clip.
///   - frame: of sheets.
///   - progress: called with how many files are done, of how many.
/// - Throws: `SequenceError`, `GalleryError`, `ArchiveError`, `WorkspaceError`, `PictureSetError`, `FileError`.
public func packSequences(
  _ path: String, frame: PictureSize? = nil, _ packing: Packing, in workspace: Workspace,
  progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
) throws -> Packed {
  let gallery = try SequenceGallery(path, frame: frame)
  try workspace.make(workspace.cache)
  let hash = try gallery.hash(in: workspace)
  return try packed(hash: hash, key: "sequences \(packing.key)", in: workspace, count: gallery.count, progress) { set in
    let writer = try PictureSetWriter(path: set, channels: packing.channels, size: packing.size)
    var setAside: [SetAside] = []
    try gallery.forEach(channels: packing.channels, setAside: { setAside.append($0) }, progress: progress) { sequence in
      var number = 0
      try sequence.forEachFrame(channels: packing.channels, on: packing.ground) { picture in
        number += 1
        try writer.add(picture.inSquare(packing.size.width, packing).planes, name: "\(sequence.name)#\(number)")
      }
      writer.endSequence(sequence.name, rate: sequence.rate?.value ?? 1)
    }
    guard writer.count > 0 else {
      throw frame.map { SequenceError.noSheets(path: gallery.path, frame: $0) } ?? .noSequences(path: gallery.path)
    }
    return (writer, setAside)
  }
}
