package io.fulmar.internal.type;

/**
 * The image of inet and cidr as {@code inet_send} and {@code cidr_send} write it: family, length of
 * the netmask, whether it is a cidr, count of address bytes, address; and its text as {@code
 * inet_out} and {@code cidr_out} print it.
 */
final class NetworkAddress {
  private static final int HEADER = 4;

  private NetworkAddress() {}

  /** inet leaves out a netmask of full length, cidr never. */
  static String text(ColumnKind kind, byte[] buf, int off, int len) {
    if (len != HEADER + 4 && len != HEADER + 16) {
      throw ColumnKind.malformed(kind, len);
    }
    int maskBits = buf[off + 1] & 0xFF;
    int addressBits = 8 * (len - HEADER);
    StringBuilder out = new StringBuilder(44);
    if (addressBits == 32) {
      appendIpv4(out, buf, off + HEADER);
    } else {
      appendIpv6(out, buf, off + HEADER);
    }
    if (kind == ColumnKind.CIDR || maskBits != addressBits) {
      out.append('/').append(maskBits);
    }
    return out.toString();
  }

  private static void appendIpv4(StringBuilder out, byte[] buf, int off) {
    for (int i = 0; i < 4; i++) {
      if (i > 0) {
        out.append('.');
      }
      out.append(buf[off + i] & 0xFF);
    }
  }

  /** The first longest run of two or more zero words becomes {@code ::}. */
  private static void appendIpv6(StringBuilder out, byte[] buf, int off) {
    int[] words = new int[8];
    int runStart = 8;
    int runLength = 1;
    for (int i = 0, zeros = 0; i < 8; i++) {
      words[i] = BigEndian.int16(buf, off + 2 * i) & 0xFFFF;
      zeros = words[i] == 0 ? zeros + 1 : 0;
      if (zeros > runLength) {
        runStart = i - zeros + 1;
        runLength = zeros;
      }
    }
    boolean ipv4Inside =
        runStart == 0 && (runLength == 6 || (runLength == 5 && words[5] == 0xFFFF));
    for (int i = 0; i < 8; i++) {
      if (i == runStart) {
        out.append("::");
        i += runLength - 1;
        continue;
      }
      if (i > 0 && i != runStart + runLength) {
        out.append(':');
      }
      if (i == 6 && ipv4Inside) {
        appendIpv4(out, buf, off + 12);
        return;
      }
      out.append(Integer.toHexString(words[i]));
    }
  }
}
