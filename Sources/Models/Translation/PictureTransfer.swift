import Torch
import Training

/// A network that carries a picture over to another look: [1, channels, H, W] in -1...1 to the same size.
public protocol PictureTransfer: AnyObject {
  /// 1 or 3.
  var channels: Int { get }
  /// Sides must be multiples of it.
  var multiple: Int { get }
  /// The least side.
  var least: Int { get }
  /// How far around a pixel the network looks, apart from what is held: nil when it looks everywhere and can't work in
  /// tiles.
  var margin: Int? { get }
  /// Memory a pixel, about.
  var bytesPerPixel: Double { get }

  func callAsFunction(_ x: Tensor) -> Tensor
  /// Takes what depends on the picture as a whole, such as statistics, from pieces of it [N, channels, side, side], and
  /// holds it for tiles.
  func hold(_ pieces: Tensor)
  /// Forgets it.
  func release()

  /// From now on pictures are frames of one shot: what depends on a picture as a whole follows them slowly, so that it
  /// doesn't flicker.
  func follow()
  /// What was followed so far, to go on with in another process.
  var followed: [(Tensor, Tensor)] { get set }
}

extension PictureTransfer {
  public func follow() {}
  public var followed: [(Tensor, Tensor)] {
    get { [] }
    set {}
  }
}

/// Why a picture can't be carried over.
public enum TransferError: Explained, Equatable {
  case tooLittleMemory(gigabytes: Double, needed: Double)

  public var sentence: String {
    switch self {
    case .tooLittleMemory(let gigabytes, let needed):
      "\(tenths(gigabytes)) GB of memory are too few for this picture: give --memory \(tenths(needed)) or more, or a "
        + "smaller --size."
    }
  }
  public var exit: Exit { .unavailable }

  private func tenths(_ x: Double) -> String { "\((x * 10).rounded(.up) / 10)" }
}

/// The picture in one piece, whatever its sides: filled up by its own mirror image, and cut back.
///
/// - Parameter picture: [1, channels, H, W] in -1...1.
public func carriedWhole(_ picture: Tensor, by transfer: some PictureTransfer) -> Tensor {
  let (height, width) = (picture.size(2), picture.size(3))
  return transfer(filled(picture, transfer)).narrowed(dim: 2, from: 0, count: height)
    .narrowed(dim: 3, from: 0, count: width)
}

/// At right and below filled up to what the network takes.
private func filled(_ picture: Tensor, _ transfer: some PictureTransfer) -> Tensor {
  func side(_ size: Int) -> Int {
    (max(size, transfer.least) + transfer.multiple - 1) / transfer.multiple * transfer.multiple
  }
  let (height, width) = (picture.size(2), picture.size(3))
  let (down, right) = (side(height) - height, side(width) - width)
  if down == 0 && right == 0 { return picture }
  // A mirror image is at most as large as the picture.
  let isSmall = down >= height || right >= width
  return pad(picture, [0, right, 0, down], mode: isSmall ? .replicate : .reflect)
}

/// The picture, in tiles when it is too large for the memory.
///
/// Statistics of the whole are then taken once, from pieces spread over it that fill the memory, and used for all tiles;
/// and tiles see as far beyond their edges as the network looks: where they meet, they are the same.
///
/// - Parameters:
///   - picture: [1, channels, H, W] in -1...1.
///   - bytes: memory to keep to, about.
///   - report: told how much is done, 0...1.
///   - shouldStop: asked before each tile.
/// - Returns: the same size; nil when it was stopped.
/// - Throws: `TransferError`.
public func carried(
  _ picture: Tensor, by transfer: some PictureTransfer, bytes: Double, report: (Double) -> Void = { _ in },
  shouldStop: () -> Bool = { false }
) throws(TransferError) -> Tensor? {
  let (height, width) = (picture.size(2), picture.size(3))
  // The picture itself, before and after.
  let room = bytes - Double(picture.count) * 16
  let pixels = room / transfer.bytesPerPixel
  if Double(height * width) <= pixels {
    if shouldStop() { return nil }
    let whole = withoutGradients { carriedWhole(picture, by: transfer) }
    report(1)
    return whole
  }
  // Smaller tiles are mostly margin.
  let leastSide = transfer.margin.map { 4 * $0 }
  guard let margin = transfer.margin, let leastSide, pixels >= Double(leastSide * leastSide) else {
    let least = transfer.margin == nil ? Double(height * width) : Double(leastSide! * leastSide!)
    throw .tooLittleMemory(
      gigabytes: bytes / 1e9, needed: (least * transfer.bytesPerPixel + Double(picture.count) * 16) / 1e9)
  }
  return withoutGradients {
    let whole = filled(picture, transfer)
    let step = transfer.multiple
    transfer.hold(pieces(of: whole, pixels: pixels, multiple: step))
    defer { transfer.release() }
    let beyond = (margin + step - 1) / step * step
    let inner = (Int(pixels.squareRoot()) - 2 * beyond) / step * step
    let out = Tensor.zeros(whole.shape, on: picture.device)
    let rows = parts(whole.size(2), inner), columns = parts(whole.size(3), inner)
    for (number, (row, column)) in rows.flatMap({ row in columns.map { (row, $0) } }).enumerated() {
      if shouldStop() { return nil }
      func seen(_ part: Range<Int>, _ side: Int) -> Range<Int> {
        max(0, part.lowerBound - beyond)..<min(side, part.upperBound + beyond)
      }
      let (y, x) = (seen(row, whole.size(2)), seen(column, whole.size(3)))
      let tile = transfer(whole.part(y, x).contiguous())
      let kept = tile.part(
        row.lowerBound - y.lowerBound..<row.upperBound - y.lowerBound,
        column.lowerBound - x.lowerBound..<column.upperBound - x.lowerBound)
      out.part(row, column).copy(from: kept)
      report(Double(number + 1) / Double(rows.count * columns.count))
    }
    return out.part(0..<height, 0..<width)
  }
}

/// Squares [N, channels, side, side] spread evenly over a picture, of about `pixels` pixels together.
///
/// At full size, unlike a thumbnail (Chen et al. 2022): networks see edges otherwise when a picture is made small. With
/// a quarter of the pixels, the mean error of two photographs by a published CycleGAN was 0.022 and 0.027 (of 2) beside
/// 0.015 and 0.078 by thumbnails, and the largest 0.25 beside 0.70.
private func pieces(of picture: Tensor, pixels: Double, multiple: Int) -> Tensor {
  let (height, width) = (picture.size(2), picture.size(3))
  let most = min(256, height, width, Int((pixels / 4).squareRoot()))
  let side = max(multiple, most / multiple * multiple)
  let count = max(1, pixels / Double(side * side))
  let rows = max(1, min((height + side - 1) / side, Int((count * Double(height) / Double(width)).squareRoot())))
  let columns = max(1, min((width + side - 1) / side, Int(count) / rows))
  func starts(_ count: Int, _ whole: Int) -> [Int] {
    (0..<count).map { count == 1 ? (whole - side) / 2 : $0 * (whole - side) / (count - 1) }
  }
  return Tensor.concatenated(
    starts(rows, height).flatMap { y in
      starts(columns, width).map { x in picture.part(y..<y + side, x..<x + side) }
    })
}

/// A side in parts of `size` or less.
private func parts(_ side: Int, _ size: Int) -> [Range<Int>] {
  stride(from: 0, to: side, by: size).map { $0..<min(side, $0 + size) }
}

extension Tensor {
  fileprivate func part(_ rows: Range<Int>, _ columns: Range<Int>) -> Tensor {
    narrowed(dim: 2, from: rows.lowerBound, count: rows.count)
      .narrowed(dim: 3, from: columns.lowerBound, count: columns.count)
  }
}

/// A model that carries pictures over (image-to-image translation, or style transfer with a style of its own).
public protocol TranslationModel: Model {
  /// - Parameter back: the other way, from the second set to the first; nil when the model has only one.
  func transfer(back: Bool) -> (any PictureTransfer)?
}

extension ResnetGenerator: PictureTransfer {
  public var channels: Int { shape.channels }
  public var multiple: Int { 4 }
  /// So that padding of 3 pixels, and of 1 at a quarter of the size, finds something to mirror.
  public var least: Int { 16 }
  /// 7×7, two that halve, two 3×3 a block at a quarter of the size, two that double, 7×7, and some more for filters.
  public var margin: Int? { 8 * shape.blocks + 24 }
  /// Measured: the last layers hold some copies of all channels at full size.
  public var bytesPerPixel: Double { Double(shape.width) * (shape.isSmooth ? 30 : 18) + 60 }

  private var norms: [PictureNorm] { modules.compactMap { $0 as? PictureNorm } }
  public func hold(_ pieces: Tensor) {
    for norm in norms { norm.take() }
    _ = self(pieces)
  }
  public func release() { for norm in norms { norm.release() } }
}

extension UnetGenerator: PictureTransfer {
  public var multiple: Int { 1 << depth }
  public var least: Int { 1 << depth }
  /// Its middle sees the whole picture.
  public var margin: Int? { nil }
  public var bytesPerPixel: Double { Double(width) * 12 + 60 }
  public func hold(_ pieces: Tensor) {}
  public func release() {}
}
