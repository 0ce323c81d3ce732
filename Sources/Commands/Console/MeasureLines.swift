import Workshop

extension Measurement {
  var lines: [Line] {
    let error = kidError.map { " ± \(spoken($0))" } ?? ""
    let ofAll = real < realInAll ? " of \(grouped(realInAll))" : ""
    var lines = [
      "\(counted(samples, "picture")) against \(grouped(real))\(ofAll) real ones, at \(size) px:",
      "  KID × 1000  \(spoken(kid))\(error)   (0 is like the real ones; \(features) features)",
      "  FID         \(spoken(fid))   (not comparable with papers: other features)",
      "  precision   \(spoken(precision))   recall \(spoken(recall))",
      "  density     \(spoken(density))   coverage \(spoken(coverage))",
      "  sharpness   \(spoken(sharpness)) of the real ones'",
    ]
    if let second {
      let error = second.kidError.map { " ± \(spoken($0))" } ?? ""
      lines += [
        "  It learned by what \(features) sees, which flatters it. \(second.features), which it didn't learn by:",
        "    KID × 1000  \(spoken(second.kid))\(error)",
        "    precision   \(spoken(second.precision))   recall \(spoken(second.recall))",
        "    density     \(spoken(second.density))   coverage \(spoken(second.coverage))",
      ]
    }
    if let seam { lines.append("  seams       \(spoken(seam)) of the steps inside (1: none to be seen)") }
    if let pathLength {
      lines.append(
        "  path length \(spoken(pathLength))   (smaller is smoother; VGG16's features, not comparable with papers)")
    }
    if let millisecondsAPicture { lines.append("  a picture takes \(spoken(millisecondsAPicture)) ms") }
    lines.append(
      "  likely copies of real pictures: \(copyCount), \(percent(copyCount)) "
        + "(\(spoken(100 * copyFalseRate)) % of the real ones are as like to others; planted copies are found "
        + "\(spoken(100 * copySensitivity)) % of the time)")
    if let learnedCopies {
      var line = "  likely copies of what it learned from: \(learnedCopies), \(percent(learnedCopies))"
      if learnedCopies > 0, let kidOfOthers {
        line += "; KID × 1000 without them \(spoken(kidOfOthers))" + (kidOfOthersError.map { " ± \(spoken($0))" } ?? "")
      }
      lines.append(line)
    }
    lines += copies.prefix(5).map { "    \($0.picture) is very like \($0.of)" }
    if let nearest { lines.append("Those most like real ones, above these: \(nearest)") }
    if let blind, let answers {
      lines.append("Which are real? \(blind); the answers are in \(answers)")
    }
    return lines.map(Line.words)
  }

  private func percent(_ part: Int) -> String { "\(spoken(100 * Double(part) / Double(max(1, samples)))) %" }
}

extension StyleMeasurement {
  var lines: [Line] {
    var lines = [
      "\(counted(pictures.count, "picture")) in \(counted(styles, "style")):",
      "  content     \(spoken(contentDistance))   (restyle's loss; 0 shows the same things)",
      "  style       \(spoken(styleDistance))   (restyle's loss; 0 is painted as the style is)",
      "  structure   \(spoken(structure))   (SSIM with the content; 1 is the same)",
      "  perceptual  \(spoken(perceptualDistance))   (distance to the content on VGG16's features)",
    ]
    if let artFID { lines.append("  ArtFID      \(spoken(artFID))   (other features than the paper's)") }
    return lines.map(Line.words)
  }
}

extension MotionMeasurement {
  var lines: [Line] {
    func line(_ part: Part) -> String {
      "\(spoken(part.ratio)) of the error of holding the first frame (\(spoken(1000 * part.error)) for "
        + "\(spoken(1000 * part.held)) / 1000; \(counted(part.frames, "frame")) of \(counted(part.sequences, "sequence")))"
    }
    var lines = [
      "First pictures moved to the poses of their sequences' other frames:", "  all              \(line(all))",
    ]
    if let long { lines.append("  6 frames or more \(line(long))") }
    let order = sequences.sorted { $0.ratio < $1.ratio }
    for (words, some) in [("best", order.prefix(3)), ("worst", order.suffix(3))] {
      lines.append("  \(words): " + some.map { "\($0.name) \(spoken($0.ratio))" }.joined(separator: ", "))
    }
    return lines.map(Line.words)
  }
}

extension FilmsMeasurement {
  var lines: [Line] {
    let error = distanceError.map { " ± \(spoken($0))" } ?? ""
    return [
      "\(counted(clips, "clip")) of \(frames) frames against \(grouped(real)) real ones:",
      "  distance × 1000  \(spoken(distance))\(error)   (0 looks and moves like the real ones)",
      "    with its frames in any order  \(spoken(shuffled))",
      "    real clips with theirs        \(spoken(realShuffled))",
      "  step             \(spoken(step))   real ones \(spoken(realStep)) (from frame to frame, 0 to 1)",
    ].map(Line.words)
  }
}

extension ClipMeasurement {
  var lines: [Line] {
    var lines = [
      "\(counted(frames, "frame")):",
      "  step        \(spoken(step))   (difference from frame to frame, 0 to 1; median)",
      "  closure     \(spoken(closure))   (from the last frame to the first, in steps; 1 or less loops)",
    ]
    if let error = warpError, let own = contentWarpError {
      lines.append(
        "  warp error  \(spoken(1000 * error)) / 1000   (paint that doesn't move with things; the film's own: \(spoken(1000 * own)))"
      )
    }
    if let style = styleDistance, let content = contentDistance {
      lines.append("  style       \(spoken(style))   content \(spoken(content))   (restyle's losses)")
    }
    return lines.map(Line.words)
  }
}
