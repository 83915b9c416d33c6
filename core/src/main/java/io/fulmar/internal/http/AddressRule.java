package io.fulmar.internal.http;

import java.math.BigInteger;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which addresses are of the public internet: not those that IANA lists as special (registries of
 * special-purpose IPv4 and IPv6 addresses, RFC 6890). An address that carries an IPv4 address in it
 * is judged by that one.
 */
final class AddressRule {
  private static final List<Block> SPECIAL =
      List.of(
          Block.of("0.0.0.0", 8, "this host"),
          Block.of("10.0.0.0", 8, "private"),
          Block.of("100.64.0.0", 10, "shared by a carrier"),
          Block.of("127.0.0.0", 8, "loopback"),
          Block.of("169.254.0.0", 16, "link-local"),
          Block.of("172.16.0.0", 12, "private"),
          Block.of("192.0.0.0", 24, "reserved"),
          Block.of("192.0.2.0", 24, "for documentation"),
          Block.of("192.88.99.0", 24, "reserved"),
          Block.of("192.168.0.0", 16, "private"),
          Block.of("198.18.0.0", 15, "for benchmarks"),
          Block.of("198.51.100.0", 24, "for documentation"),
          Block.of("203.0.113.0", 24, "for documentation"),
          Block.of("224.0.0.0", 4, "multicast"),
          Block.of("240.0.0.0", 4, "reserved"),
          Block.of("::", 128, "this host"),
          Block.of("::1", 128, "loopback"),
          Block.of("64:ff9b:1::", 48, "private"),
          Block.of("100::", 64, "discarded"),
          Block.of("2001:2::", 48, "for benchmarks"),
          Block.of("2001:db8::", 32, "for documentation"),
          Block.of("3fff::", 20, "for documentation"),
          Block.of("5f00::", 16, "reserved"),
          Block.of("fc00::", 7, "private"),
          Block.of("fe80::", 10, "link-local"),
          Block.of("fec0::", 10, "private"),
          Block.of("ff00::", 8, "multicast"));

  /** Where the IPv4 address begins in an IPv6 address that carries one. */
  private static final List<Carrier> CARRIERS =
      List.of(
          new Carrier(Block.of("::", 96, ""), 12),
          new Carrier(Block.of("::ffff:0:0:0", 96, ""), 12),
          new Carrier(Block.of("64:ff9b::", 96, ""), 12),
          new Carrier(Block.of("2002::", 16, ""), 2));

  private static final Block TEREDO = Block.of("2001::", 32, "");

  private AddressRule() {}

  private record Carrier(Block block, int at) {}

  /** Addresses that begin with the same bits. */
  private record Block(byte[] prefix, int bits, String what) {
    static Block of(String literal, int bits, String what) {
      try {
        return new Block(InetAddress.getByName(literal).getAddress(), bits, what);
      } catch (UnknownHostException e) {
        throw new IllegalArgumentException(literal, e);
      }
    }

    boolean holds(byte[] address) {
      if (address.length != prefix.length) {
        return false;
      }
      int rest = 8 * prefix.length - bits;
      return new BigInteger(1, address)
          .shiftRight(rest)
          .equals(new BigInteger(1, prefix).shiftRight(rest));
    }
  }

  /** Why an address is none of the public internet: {@code "loopback"}; null if it is one. */
  static @Nullable String objection(InetAddress address) {
    byte[] bytes = address.getAddress();
    for (Block block : SPECIAL) {
      if (block.holds(bytes)) {
        return block.what();
      }
    }
    if (address instanceof Inet4Address) {
      return null;
    }
    for (Carrier carrier : CARRIERS) {
      if (carrier.block().holds(bytes)) {
        return carried(Arrays.copyOfRange(bytes, carrier.at(), carrier.at() + 4));
      }
    }
    if (TEREDO.holds(bytes)) {
      byte[] client = Arrays.copyOfRange(bytes, 12, 16);
      for (int i = 0; i < client.length; i++) {
        client[i] = (byte) ~client[i]; // RFC 4380, section 4
      }
      return carried(client);
    }
    return null;
  }

  private static @Nullable String carried(byte[] address) {
    try {
      return objection(InetAddress.getByAddress(address));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("no address of " + address.length + " bytes", e);
    }
  }
}
