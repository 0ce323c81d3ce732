/// What a picture's file is, and how it is read: which of its pages, as which colours, with which alpha.
struct PictureReading {
  enum Colours: Equatable {
    /// Taken as they are.
    case sRGB
    /// By the ICC profile of this name.
    case profile(String)
    /// By what the file says in numbers, such as "gamma 1".
    case named(String)
    case lab
    /// YCbCr that isn't compressed as JPEG is.
    case ycbcr
    /// Floating-point numbers in three channels with no profile: light, as renderers and editors write it.
    case linear
    /// CMYK with no profile of its own: as a common press prints it.
    case press
  }
  enum Alpha: Equatable { case none, straight, premultiplied }

  let format: PictureFormat
  /// Of a TIFF: what its tags say of the page that is read.
  let page: TIFFPage?
  let pages: Int
  let colours: Colours
  let alpha: Alpha
  /// Channels that are neither colour nor transparency, such as selections that Photoshop saved.
  let spareChannels: Int
  /// How many channels of colour: 1, 3 or 4.
  let inks: Int
  /// Of colours that are curves and a matrix.
  let matrix: MatrixProfile?
  /// A profile that is for other colours than the picture has, and so is left aside; its name.
  let ignoredProfile: String?

  /// The loader's options for the page that is read.
  var options: String { page.map(\.options) ?? "" }

  /// - Parameter canvas: the file, opened with the options of the page.
  init(_ canvas: Canvas, _ format: PictureFormat, page: TIFFPage?, pages: Int, named: NamedColours?) {
    (self.format, self.page, self.pages) = (format, page, pages)
    var hasAlpha = canvas.hasAlpha
    if let page, page.photometric != 3 {
      // Photoshop's other channels aren't transparency; a fourth one that nobody names is.
      let spare = canvas.bands - (page.photometric <= 1 ? 1 : page.photometric == 5 ? 4 : 3)
      hasAlpha = spare > 0 && page.extra.first != 0
    }
    alpha = !hasAlpha ? .none : page?.extra.first == 1 ? .premultiplied : .straight
    let colourBands = canvas.bands - (hasAlpha ? 1 : 0)
    inks = canvas.isCMYK ? 4 : colourBands >= 3 ? 3 : 1
    spareChannels = max(0, colourBands - inks)
    let profile = canvas.profile.map(ICCProfile.init)
    let numbers: ColourProfile? = if case .profile(let numbers, _)? = named { numbers } else { nil }
    let fits = profile.flatMap(\.space) == (inks == 4 ? .cmyk : inks == 3 ? .rgb : .grey)
    if canvas.isLab {
      (colours, ignoredProfile) = (.lab, nil)
    } else if let page, page.photometric == 6, page.compression != 6, page.compression != 7 {
      (colours, ignoredProfile) = (.ycbcr, nil)
    } else if canvas.isFloat, inks == 3, !fits {
      (colours, ignoredProfile) = (.linear, profile?.name)
    } else if let profile, fits {
      (colours, ignoredProfile) = (.profile(profile.name), nil)
    } else {
      ignoredProfile = profile?.name
      if inks == 4 {
        colours = .press
      } else if case .profile(_, let words)? = named {
        colours = .named(words)
      } else {
        colours = .sRGB
      }
    }
    switch colours {
    case .profile: matrix = canvas.profile.flatMap(MatrixProfile.init(icc:))
    case .named: matrix = numbers?.matrixed(isGrey: inks == 1)
    default: matrix = nil
    }
  }

  /// What isn't certain, or is other than one may expect.
  func notes(_ range: NumericRange?, _ canvas: Canvas) -> [String] {
    var notes: [String] = []
    if let range {
      let kind = canvas.isFloat ? "floating-point numbers" : "integers of 32 bits or with a sign"
      let meaning =
        colours == .linear && range == .unit
        ? "linear light from \(range.words)" : "\(range.words)\(isManaged ? "" : " in sRGB")"
      notes.append("has \(kind), read as \(meaning)")
    }
    if let ignoredProfile { notes.append("has a profile for other colours (\(ignoredProfile)), which is left aside") }
    if spareChannels > 0 {
      let many = spareChannels > 1
      notes.append(
        "has \(many ? "\(spareChannels) more channels" : "one more channel") without a meaning, left aside")
    }
    if let page, page.page > 0 || page.inner != nil { notes.append("has a thumbnail first; its largest page is read") }
    return notes
  }

  /// Whether its colours are turned into sRGB by a profile.
  var isManaged: Bool {
    switch colours {
    case .profile, .named, .press: true
    case .sRGB, .lab, .ycbcr, .linear: false
    }
  }

  /// Whether libvips's own way to another size is right for it, which is faster for large files.
  func isOrdinary(_ canvas: Canvas) -> Bool {
    guard canvas.depth == .bytes, alpha != .premultiplied, canvas.bands <= (inks == 1 ? 2 : 4) else { return false }
    // libvips takes any fourth band for alpha.
    if alpha == .none && canvas.hasAlpha { return false }
    switch colours {
    case .sRGB: return ignoredProfile == nil
    case .profile: return alpha == .none
    case .press: return ignoredProfile == nil && alpha == .none
    case .named, .lab, .ycbcr, .linear: return false
    }
  }
}

extension Canvas {
  /// Bytes or 16 bits of these colours in sRGB.
  func turned(_ profile: MatrixProfile) -> Canvas? {
    guard let pixels else { return nil }
    let bytes = pixels.withUnsafeBytes { buffer in
      depth == .words
        ? profile.bytes(buffer.bindMemory(to: UInt16.self), most: 65_535)
        : profile.bytes(buffer.bindMemory(to: UInt8.self), most: 255)
    }
    return Canvas(Picture(width: width, height: height, channels: bands, bytes: bytes))
  }

  /// Bytes in sRGB or grey: 1 or 3 bands, and one more where there is alpha. Of pictures in other numbers than bytes or 16 bits
  /// all is read once to find their range.
  ///
  /// - Returns: nil when the file is damaged.
  /// - Throws: `PictureError.notNumbers`, `.unknownRange`.
  func standard(_ reading: PictureReading, named name: String) throws(PictureError) -> (Canvas, NumericRange?)? {
    guard var canvas = upright else { return nil }
    if reading.colours == .sRGB, canvas.depth == .bytes, canvas.bands == reading.inks + (reading.alpha == .none ? 0 : 1)
    {
      return (canvas, nil)
    }
    if reading.colours == .lab {
      guard let held = canvas.inMemory, let colours = held.bands(0, 3)?.fromLab else { return nil }
      canvas = held
      guard reading.alpha != .none else { return (colours, nil) }
      guard let alpha = canvas.bands(3, 1)?.levels(1, as: .bytes) else { return nil }
      return colours.joined(alpha).map { ($0, nil) }
    }
    var range: NumericRange?
    if canvas.depth == .numbers {
      // It may be readable only once.
      guard let held = canvas.inMemory else { return nil }
      canvas = held
      if canvas.isFloat, canvas.hasNaN { throw .notNumbers(name: name) }
      guard var values = canvas.bands(0, reading.inks)?.extent else { return nil }
      let reach = reading.alpha == .none ? nil : canvas.bands(reading.inks, 1)?.extent?.upperBound
      var stretch = 1.0
      if reading.alpha == .premultiplied, let reach, reach <= 1.05, values.upperBound > 1.05 {
        // libvips has divided the colours by alpha, and takes its white for 255.
        stretch = 255
        values = values.lowerBound / stretch...values.upperBound / stretch
      }
      range = NumericRange(of: values, isFloat: canvas.isFloat)
      guard let white = range.map({ $0.rawValue * stretch }) else {
        throw .unknownRange(name: name, least: values.lowerBound, most: values.upperBound)
      }
      guard let own = canvas.bands(0, reading.inks),
        let colours = reading.colours == .linear && range == .unit
          ? own.fromLinear(1 / stretch)?.levels(257, as: .words) : own.levels(65_535 / white, as: .words)
      else { return nil }
      if reading.alpha != .none {
        guard let last = canvas.bands(reading.inks, 1), let reach else { return nil }
        // Alpha of 0 to 1 may stand beside colours of 0 to 255.
        let most = NumericRange.allCases.first { reach <= 1.05 * $0.rawValue }?.rawValue ?? white
        guard let alpha = last.levels(65_535 / min(white, most), as: .words), let both = colours.joined(alpha) else {
          return nil
        }
        canvas = both
      } else {
        canvas = colours
      }
    }
    if reading.matrix != nil, reading.alpha != .none {
      guard let held = canvas.inMemory else { return nil }
      canvas = held
    }
    guard var colours = canvas.bands(0, reading.inks) else { return nil }
    switch reading.colours {
    case .profile, .named:
      // A profile that can't be used must not cost the picture.
      if let exact = reading.matrix {
        guard let done = colours.turned(exact) else { return nil }
        colours = done
      } else {
        colours = colours.managed(isEmbedded: true) ?? colours
      }
    case .press: colours = colours.managed(isEmbedded: false) ?? colours
    case .ycbcr:
      guard let rgb = colours.fromYCbCr else { return nil }
      colours = rgb
    case .sRGB, .lab, .linear: break
    }
    guard let bytes = colours.depth == .bytes ? colours : colours.levels(255 / 65_535, as: .bytes) else { return nil }
    guard reading.alpha != .none else { return (bytes, range) }
    guard let last = canvas.bands(reading.inks, 1),
      let alpha = last.depth == .bytes ? last : last.levels(255 / 65_535, as: .bytes)
    else { return nil }
    return bytes.joined(alpha).map { ($0, range) }
  }
}
