import Foundation
import Training

/// The words of a set's pictures, in the set's order; empty where a picture has none.
///
/// - Parameters:
///   - path: of the folder or archive that it was packed from.
///   - recipe: that asks for them.
///   - say: told how many there are, with an example.
/// - Throws: `RunError.noCaptions`, `LargeError.unreadableCaption`, `ArchiveError`, `GalleryError`.
func captions(of set: PictureSet, at path: String, for recipe: String, say: (String) -> Void) throws -> [String] {
  let gallery = try Gallery(path)
  let words = try Captions(of: gallery)
  say(words.sentence)
  guard let longest = words.words.indices.max(by: { words.words[$0].count < words.words[$1].count }),
    !words.words[longest].isEmpty
  else { throw RunError.noCaptions(recipe: recipe) }
  say("Learned for example: \(gallery.candidates[longest].name) as \"\(words.words[longest])\".")
  let named = Dictionary(zip(gallery.candidates.map(\.name), words.words)) { first, _ in first }
  return set.names.map { name in
    if let own = named[name] { return own }
    // Of pieces, named "boat.png at 0,16", the picture's.
    let end = name.range(of: " at ", options: .backwards)
    return end.flatMap { named[String(name[..<$0.lowerBound])] } ?? ""
  }
}
