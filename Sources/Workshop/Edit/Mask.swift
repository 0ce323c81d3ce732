import Media
import Models
import Torch

/// How a mask of another shape than the picture is laid on it.
public enum MaskFit: String, Codable, Sendable, CaseIterable {
  case stretch  // To the picture's width and height.
  case crop  // Its middle, covering the picture.
  case fit  // All of it, in the middle of the picture; nothing around it is masked.
}

/// Why a mask can't be used.
public enum MaskError: Explained, Equatable {
  case empty(String)
  /// Black strokes on nothing.
  case blackOnTransparency(String)
  case otherShape(String, PictureSize, picture: String, PictureSize)

  public var sentence: String {
    switch self {
    case .empty(let path): "The mask \(path) is black all over: make white what is to change."
    case .blackOnTransparency(let path):
      "The mask \(path) is black where it isn't transparent, and neither is masked: paint in white what is to change."
    case .otherShape(let path, let size, let picture, let other):
      "The mask \(path) has another shape (\(size.width) × \(size.height) px) than \(picture) (\(other.width) × "
        + "\(other.height) px): give one of its shape, or fit it by --mask-fit stretch, crop or fit."
    }
  }
  public var exit: Exit { .data }
}

/// What a mask covers of a picture: [1, 1, H, W] in 0...1. What is transparent isn't masked, and grey is masked partly.
///
/// - Parameters:
///   - name: the picture's, in errors.
///   - fit: nil refuses another shape.
/// - Throws: `MaskError`, `PictureError`.
func mask(_ path: String, of content: Picture, named name: String, fit: MaskFit?, on device: Device) throws -> Tensor {
  let mask = try Picture.load(path, Decoding(channels: nil))
  if fit == nil { try checkShape(mask.size, path, of: content.size, name) }
  let cover = cover(of: mask, for: content.size, fit: fit ?? .stretch, on: device)
  guard cover.max().item() > 0 else {
    throw mask.isSeenThrough ? MaskError.blackOnTransparency(path) : .empty(path)
  }
  return cover
}

/// - Throws: `MaskError.otherShape`, unless the sides only differ by what rounding to whole pixels does.
func checkShape(_ mask: PictureSize, _ path: String, of picture: PictureSize, _ name: String) throws(MaskError) {
  let difference = abs(mask.width * picture.height - mask.height * picture.width)
  guard difference <= max(mask.longer, picture.longer) else {
    throw .otherShape(path, mask, picture: name, picture)
  }
}

/// The grey of a mask times its alpha, at a picture's size: [1, 1, H, W] in 0...1.
func cover(of mask: Picture, for size: PictureSize, fit: MaskFit, on device: Device) -> Tensor {
  let pixels = mask.flattened(on: .black).unit(on: device)
  // Rec. 709's luma.
  let grey =
    pixels.size(0) == 1 ? pixels : pixels[0..<1] * 0.2126 + pixels[1..<2] * 0.7152 + pixels[2..<3] * 0.0722
  func sized(_ x: Tensor, _ size: PictureSize) -> Tensor {
    clamp(interpolate(x.unsqueezed(0), size: size.shape, mode: .bilinear, antialias: true), min: 0, max: 1)
  }
  let (across, down) = (
    Double(size.width) / Double(mask.width), Double(size.height) / Double(mask.height)
  )
  switch fit {
  case .stretch: return sized(grey, size)
  case .crop:
    let scale = max(across, down)
    let width = max(1, min(mask.width, Int((Double(size.width) / scale).rounded())))
    let height = max(1, min(mask.height, Int((Double(size.height) / scale).rounded())))
    let part = grey.narrowed(dim: 1, from: (mask.height - height) / 2, count: height)
      .narrowed(dim: 2, from: (mask.width - width) / 2, count: width)
    return sized(part.contiguous(), size)
  case .fit:
    let scale = min(across, down)
    let inner = PictureSize(
      max(1, min(size.width, Int((Double(mask.width) * scale).rounded()))),
      max(1, min(size.height, Int((Double(mask.height) * scale).rounded()))))
    let (left, top) = ((size.width - inner.width) / 2, (size.height - inner.height) / 2)
    return pad(
      sized(grey, inner), [left, size.width - inner.width - left, top, size.height - inner.height - top])
  }
}
