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

  /// Writes a file of the format that its name's ending says, whole or not at all.
  ///
  /// - Parameters:
  ///   - quality: 1...100, of JPEG, WebP and AVIF.
  ///   - isForced: replaces a file that is there.
  ///   - isSynced: waits until the disk has it.
  /// - Throws: `PictureError.noEngine`, `OutputError`, `FileError`.
  public func write(
    _ path: String, text: [(key: String, value: String)] = [], source: Provenance.SourceType? = nil,
    quality: Int? = nil, isForced: Bool = false, isSynced: Bool = true
  ) throws {
    let format = try OutputFormat(of: path)
    let file = try encoded(as: format, text: text, source: source, quality: quality, named: path)
    try AtomicFile.write(file, to: path, isForced: isForced, isSynced: isSynced)
  }
}

/// How a picture came to be, in the words that other programs look for.
public enum Provenance {
  /// IPTC's digital source types (NewsCodes, digitalsourcetype).
  public enum SourceType: String, Sendable, CaseIterable {
    /// Made by a trained model alone.
    case trainedAlgorithmicMedia
    /// Made from a picture by a person, in which a trained model had a part.
    case compositeWithTrainedAlgorithmicMedia
    case compositeSynthetic
  }

  /// An XMP packet that names the digital source type (IPTC Photo Metadata 2023.2, Iptc4xmpExt:DigitalSourceType).
  ///
  /// - Parameter words: how it was made, for formats with no place of their own for it: a line each in dc:description.
  public static func xmp(
    _ type: SourceType = .trainedAlgorithmicMedia, words: [(key: String, value: String)] = [],
    creatorTool: String = "Atelier"
  ) -> String {
    let lines = words.map { "\($0.key): \($0.value)" }.joined(separator: "\n")
    let description = """
      ><dc:description xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Alt><rdf:li xml:lang="x-default">\
      \(escaped(lines))</rdf:li></rdf:Alt></dc:description></rdf:Description>
      """
    return """
      <?xpacket begin="\u{FEFF}" id="W5M0MpCehiHzreSzNTczkc9d"?>
      <x:xmpmeta xmlns:x="adobe:ns:meta/">
       <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
        <rdf:Description rdf:about=""
          xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
          xmlns:xmp="http://ns.adobe.com/xap/1.0/"
          Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/\(type.rawValue)"
          xmp:CreatorTool="\(escaped(creatorTool))"\(words.isEmpty ? "/>" : description)
       </rdf:RDF>
      </x:xmpmeta>
      <?xpacket end="w"?>
      """
  }

  /// What a picture's file says about its making: the text of a PNG, or the description in the XMP of another.
  ///
  /// - Returns: nothing for what says nothing, or is no picture.
  public static func words(in file: [UInt8]) -> [(key: String, value: String)] {
    if let text = PNG.text(file) { return text.filter { !$0.key.hasPrefix("XML:") } }
    guard let xmp = xmp(in: file), let start = xmp.range(of: "<rdf:li xml:lang=\"x-default\">"),
      let end = xmp[start.upperBound...].range(of: "</rdf:li>")
    else { return [] }
    let lines = unescaped(String(xmp[start.upperBound..<end.lowerBound])).split(separator: "\n")
    return lines.compactMap { line in
      guard let colon = line.range(of: ": ") else { return nil }
      return (String(line[..<colon.lowerBound]), String(line[colon.upperBound...]))
    }
  }

  /// The digital source type that a picture's file names; nil where it names none of ours.
  public static func source(of file: [UInt8]) -> SourceType? {
    let xmp = xmp(in: file) ?? ""
    return SourceType.allCases.first { xmp.contains("digitalsourcetype/\($0.rawValue)\"") }
  }

  private static func xmp(in file: [UInt8]) -> String? {
    if let text = PNG.text(file) { return text.first { $0.key == PNG.xmpKeyword }?.value }
    guard Canvas.isStarted else { return nil }
    return file.withUnsafeBytes { Canvas(opening: $0)?.xmp }
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
  }
  private static func unescaped(_ text: String) -> String {
    text.replacing("&quot;", with: "\"").replacing("&lt;", with: "<").replacing("&amp;", with: "&")
  }
}
