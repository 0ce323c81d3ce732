/// A file that a verb wrote.
public struct MadeFile: Codable, Sendable, Equatable {
  public enum Kind: String, Codable, Sendable, CaseIterable { case picture, film, sheet, interpolation, map, mixing }
  /// The event's name on the wire.
  public let kind: Kind
  public let path: String
  /// What it was made of, where that is one of several.
  public var source: String?
  /// What chance was drawn from; nil where nothing was left to it, and for sheets.
  public var seed: UInt64?
  public var width: Int?, height: Int?
  /// Of a film.
  public var frames: Int?
  /// How many were filled.
  public var pixels: Int?
  /// That it took.
  public var seconds: Double?

  public init(_ kind: Kind, _ path: String, seed: UInt64? = nil, width: Int? = nil, height: Int? = nil) {
    (self.kind, self.path, self.seed, self.width, self.height) = (kind, path, seed, width, height)
  }
}

extension MadeFile {
  // `kind` is the event's name, not a field.
  private enum CodingKeys: String, CodingKey { case path, source, seed, width, height, frames, pixels, seconds }
  private enum NameKey: String, CodingKey { case event }

  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    kind = try decoder.container(keyedBy: NameKey.self).decode(Kind.self, forKey: .event)
    path = try fields.decode(String.self, forKey: .path)
    source = try fields.decodeIfPresent(String.self, forKey: .source)
    seed = try fields.decodeIfPresent(UInt64.self, forKey: .seed)
    width = try fields.decodeIfPresent(Int.self, forKey: .width)
    height = try fields.decodeIfPresent(Int.self, forKey: .height)
    frames = try fields.decodeIfPresent(Int.self, forKey: .frames)
    pixels = try fields.decodeIfPresent(Int.self, forKey: .pixels)
    seconds = try fields.decodeIfPresent(Double.self, forKey: .seconds)
  }

  public func encode(to encoder: any Encoder) throws {
    var name = encoder.container(keyedBy: NameKey.self)
    try name.encode(kind, forKey: .event)
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(path, forKey: .path)
    try fields.encodeIfPresent(source, forKey: .source)
    try fields.encodeIfPresent(seed, forKey: .seed)
    try fields.encodeIfPresent(width, forKey: .width)
    try fields.encodeIfPresent(height, forKey: .height)
    try fields.encodeIfPresent(frames, forKey: .frames)
    try fields.encodeIfPresent(pixels, forKey: .pixels)
    try fields.encodeIfPresent(seconds, forKey: .seconds)
  }
}
