import Foundation

/// Splits a text into the words that CLIP's tokenizer merges by themselves, each as UTF-8: composed (NFC), in lower case, without white
/// space; English contractions, runs of letters, single digits, runs of anything else.
func words(of text: String, _ take: ([UInt8]) -> Void) {
  var scalars: [Unicode.Scalar] = []
  for scalar in text.precomposedStringWithCanonicalMapping.unicodeScalars {
    // Letter by letter, so that a Greek word's last sigma doesn't depend on its place.
    if scalar.properties.isWhitespace {
      scalars.append(" ")
    } else {
      scalars += scalar.properties.lowercaseMapping.unicodeScalars
    }
  }
  var i = 0
  while i < scalars.count {
    if scalars[i] == " " {
      i += 1
      continue
    }
    let rest = scalars[i...]
    if let special = specialTokens.first(where: { rest.starts(with: $0) }) {
      // Written in capitals, a special token is only its letters.
      for part in [special.prefix(2), special.dropFirst(2).dropLast(2), special.suffix(2)] { take(utf8(part)) }
      i += special.count
    } else if let contraction = contractions.first(where: { rest.starts(with: $0) }) {
      take(utf8(contraction[...]))
      i += contraction.count
    } else {
      let kind = Kind(scalars[i])
      var end = i + 1
      if kind != .number { while end < scalars.count, scalars[end] != " ", Kind(scalars[end]) == kind { end += 1 } }
      take(utf8(scalars[i..<end]))
      i = end
    }
  }
}

private enum Kind {
  case letter, number, other

  init(_ scalar: Unicode.Scalar) {
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
    case .decimalNumber, .letterNumber, .otherNumber: self = .number
    default: self = .other
    }
  }
}

private let contractions = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }
/// The names of the start and the end.
let specialTokens = ["<|startoftext|>", "<|endoftext|>"].map { Array($0.unicodeScalars) }

private func utf8(_ scalars: some Collection<Unicode.Scalar>) -> [UInt8] { scalars.flatMap { UTF8.encode($0)! } }
