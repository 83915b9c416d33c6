package io.fulmar.verify.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Says what the machine is. */
final class Machine {
  private static final Path PROCESSORS = Path.of("/proc/cpuinfo");

  private Machine() {}

  /**
   * The model of the processors, where Linux tells, and the memory; each after a comma or blank.
   */
  static String description() {
    return String.format(
        Locale.ROOT,
        "%s, %.0f GiB",
        processor(),
        ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize()
            / (double) (1L << 30));
  }

  private static String processor() {
    try {
      return Files.readAllLines(PROCESSORS).stream()
          .filter(line -> line.startsWith("model name"))
          .map(line -> " (%s)".formatted(line.substring(line.indexOf(':') + 1).trim()))
          .findFirst()
          .orElse("");
    } catch (IOException e) {
      return "";
    }
  }
}
