extension Picture {
  /// The picture as a PNG file's bytes.
  ///
  /// - Parameters:
  ///   - text: keys of 1 to 79 Latin-1 characters, and what they say.
  ///   - xmp: an XMP packet, such as `Provenance.xmp`.
  ///   - compression: zlib's, 0...9.
  /// - Throws: `PictureError.noEngine`.
  public func png(text: [(key: String, value: String)] = [], xmp: String? = nil, compression: Int = 6)
    throws(PictureError) -> [UInt8]
  {
    guard let file = Canvas(self)?.png(compression: compression) else { throw .noEngine }
    return PNG.adding(text, xmp: xmp, to: file)
  }

  /// Writes a PNG file, whole or not at all.
  ///
  /// - Parameters:
  ///   - isForced: replaces a file that is there.
  ///   - isSynced: waits until the disk has it.
  /// - Throws: `PictureError.noEngine`, `FileError`.
  public func write(
    _ path: String, text: [(key: String, value: String)] = [], xmp: String? = nil, isForced: Bool = false,
    isSynced: Bool = true
  ) throws {
    try AtomicFile.write(png(text: text, xmp: xmp), to: path, isForced: isForced, isSynced: isSynced)
  }
}

/// How a picture came to be, in the words that other programs look for.
public enum Provenance {
  /// IPTC's digital source types (NewsCodes, digitalsourcetype).
  public enum SourceType: String, Sendable {
    /// Made by a trained model alone.
    case trainedAlgorithmicMedia
    /// Made from a picture by a person, in which a trained model had a part.
    case compositeWithTrainedAlgorithmicMedia
    case compositeSynthetic
  }

  /// An XMP packet that names the digital source type (IPTC Photo Metadata 2023.2, Iptc4xmpExt:DigitalSourceType).
  public static func xmp(_ type: SourceType = .trainedAlgorithmicMedia, creatorTool: String = "Atelier") -> String {
    """
    <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?>
    <x:xmpmeta xmlns:x="adobe:ns:meta/">
     <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
      <rdf:Description rdf:about=""
        xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
        xmlns:xmp="http://ns.adobe.com/xap/1.0/"
        Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/\(type.rawValue)"
        xmp:CreatorTool="\(escaped(creatorTool))"/>
     </rdf:RDF>
    </x:xmpmeta>
    <?xpacket end="w"?>
    """
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }
}
