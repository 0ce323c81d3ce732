import Foundation
import LargeModels
import Media
import Torch
import Training

/// Pictures and their words as a LoRA learns them, encoded once.
struct AdapterLessons {
  let examples: [AdapterTraining.Example]
  /// With the trigger, of each example.
  let captions: [String]
  /// Of each example, with its size.
  let buckets: [PictureSize]

  /// Decodes each picture at its bucket's size and encodes it; latents that the file at `cache` has already are taken from there.
  ///
  /// - Parameters:
  ///   - isLeftOut: names that were set aside.
  ///   - goesOn: told how many are done, of how many; false stops.
  /// - Returns: nil where it was stopped.
  /// - Throws: `ArchiveError`, `PictureError`, `SafetensorsError`, `HandCropError`.
  init?(
    _ gallery: Gallery, captions: [String], except isLeftOut: Set<String>, for training: AdapterTraining,
    _ record: AdapterRecord,
    salt: UInt64, step: Int, cache: String, while goesOn: (Int, Int) -> Bool
  ) throws {
    let crops = try HandCrops(of: gallery)
    let key =
      "1 \(crops.digest.map { "crops \($0) " } ?? "")\(record.baseHash) \(record.hash) \(record.side) \(record.ground) \(record.plan.seed) \(salt)"
    let known = (try? Safetensors.read(cache)).flatMap { $0.metadata["key"] == key ? $0.tensors : nil } ?? [:]
    let numbers = gallery.candidates.indices.filter { !isLeftOut.contains(gallery.candidates[$0].name) }
    var (examples, words, buckets) = ([AdapterTraining.Example](), [String](), [PictureSize]())
    var latents: [String: Tensor] = [:]
    var isStopped = false
    let (side, ground) = (record.side, record.ground)
    try gallery.keeping(numbers).forEach { _, name, bytes -> Result<(Picture, PictureSize), PictureError> in
      Result { () throws(PictureError) in
        let bytes = try bytes.get()
        let facts = try Picture.facts(bytes, named: name)
        let all = PictureSize(facts.width, facts.height)
        let whole = crops[name]?.size(of: all) ?? all
        let size = bucket(for: whole, side: side, step: step)
        let decoding = Decoding(size: size, channels: 3, ground: ground).of(crops[name])
        return (try Picture.decode(bytes, named: name, decoding), whole)
      }
    } collect: { i, result in
      guard !isStopped else { return }
      let (picture, whole) = try result.get()
      let size = PictureSize(picture.width, picture.height)
      // Where the middle of the picture, brought to the bucket's size, was cut.
      let scale = max(Double(size.width) / Double(whole.width), Double(size.height) / Double(whole.height))
      let crop = (
        height: whole.height, width: whole.width,
        top: max(0, (Int(Double(whole.height) * scale) - size.height) / 2),
        left: max(0, (Int(Double(whole.width) * scale) - size.width) / 2)
      )
      var noise = Noise(seed: record.plan.seed, at: i, salt: 0x6C61_7465_6E74_7300 ^ salt)
      let name = "\(i)", caption = captions[numbers[i]]
      let example = training.example(
        picture.signed(channels: 3, on: .cpu), caption: caption, crop: crop, latents: known[name], noise: &noise)
      latents[name] = example.latents
      examples.append(example)
      words.append(caption)
      buckets.append(size)
      isStopped = !goesOn(i + 1, numbers.count)
    }
    if isStopped { return nil }
    if known.count != latents.count { try Safetensors.write(latents, metadata: ["key": key], to: cache) }
    (self.examples, self.captions, self.buckets) = (examples, words, buckets)
  }

  /// "14 of 512x512, 6 of 448x576".
  var bucketWords: String {
    Dictionary(grouping: buckets, by: { $0 }).sorted { ($1.value.count, $0.key.width) < ($0.value.count, $1.key.width) }
      .map { "\($0.value.count) of \($0.key.width)x\($0.key.height) px" }.joined(separator: ", ")
  }
}
