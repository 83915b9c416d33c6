package io.fulmar.verify.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** A part of the benchmark that can be run alone. */
enum Section {
  COMPARE("both engines beside bare reads and peers"),
  DELIVERY("the step deliver beside what a slow destination allows"),
  DESTINATIONS("the ready-made destinations beside a bare COPY"),
  TUNNEL("a tunnel of ours beside ssh -L and no tunnel; needs the programs of OpenSSH"),
  CIPHERS("the same with each cipher; not among the defaults"),
  MICRO("hot loops by themselves, under JMH; not among the defaults");

  private final String description;

  Section(String description) {
    this.description = description;
  }

  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  String description() {
    return description;
  }

  static List<String> labels() {
    return Arrays.stream(values()).map(Section::label).toList();
  }
}
