//! A range of addresses: `10.0.0.0/8`, `fd00::/8`, `192.168.0.120`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses that share a prefix (CIDR, RFC 4632). A range inside `::ffff:0:0/96` is
/// kept as the IPv4 range that it means, so that an address has one form only.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    base: IpAddr,
    prefix_bits: u8,
}

/// Why a text is no [`Network`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Neither an address nor an address with a prefix length.
    #[error("`{text}` is no address range: write it like 10.0.0.0/8, fd00::/8 or 192.168.0.120")]
    NotARange {
        /// What was given, cut to a readable length.
        text: String,
    },
    /// The prefix is longer than the address.
    #[error("`{text}`: the prefix length is at most {bits_max} for this kind of address")]
    PrefixTooLong {
        /// What was given.
        text: String,
        /// 32 or 128.
        bits_max: u8,
    },
    /// Bits are set behind the prefix, so that two different ranges may be meant.
    #[error("`{text}` has bits set behind its prefix: write {network}, or the address alone")]
    HostBits {
        /// What was given.
        text: String,
        /// The range with these bits cleared.
        network: Network,
    },
}

impl Network {
    /// Reads `address/prefix`, or a bare address, which is the range of that one address.
    pub fn parse(text: &str) -> Result<Network, NetworkError> {
        let shown = || text.chars().take(64).collect::<String>();
        let not_a_range = || NetworkError::NotARange { text: shown() };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| not_a_range())?;
        let bits_max = bits_of(address);
        let prefix_bits = match prefix {
            None => bits_max,
            Some(digits)
                if digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                digits.parse::<u16>().map_err(|_| not_a_range())?.try_into().unwrap_or(u8::MAX)
            }
            Some(_) => return Err(not_a_range()),
        };
        if prefix_bits > bits_max {
            return Err(NetworkError::PrefixTooLong { text: shown(), bits_max });
        }
        let network = Network { base: masked(address, prefix_bits), prefix_bits };
        if network.base != address {
            return Err(NetworkError::HostBits { text: shown(), network: network.unmapped() });
        }
        Ok(network.unmapped())
    }

    /// An IPv4 range, for tables. `prefix_bits` is at most 32 and the bits behind it are zero.
    pub(crate) const fn v4(bytes: [u8; 4], prefix_bits: u8) -> Network {
        let [a, b, c, d] = bytes;
        Network { base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix_bits }
    }

    /// An IPv6 range, for tables. `prefix_bits` is at most 128 and the bits behind it are zero.
    pub(crate) const fn v6(segments: [u16; 8], prefix_bits: u8) -> Network {
        let [a, b, c, d, e, f, g, h] = segments;
        Network { base: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), prefix_bits }
    }

    /// Whether the address lies in the range; an IPv4-mapped address counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                (base.to_bits() ^ address.to_bits()) & mask_v4(self.prefix_bits) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                (base.to_bits() ^ address.to_bits()) & mask_v6(self.prefix_bits) == 0
            }
            _ => false,
        }
    }

    fn unmapped(self) -> Network {
        match self.base {
            IpAddr::V6(base) if self.prefix_bits >= 96 => match base.to_ipv4_mapped() {
                Some(v4) => Network { base: IpAddr::V4(v4), prefix_bits: self.prefix_bits - 96 },
                None => self,
            },
            _ => self,
        }
    }
}

fn bits_of(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn mask_v4(prefix_bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix_bits)).unwrap_or(0)
}

fn mask_v6(prefix_bits: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix_bits)).unwrap_or(0)
}

fn masked(address: IpAddr, prefix_bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask_v4(prefix_bits))),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask_v6(prefix_bits))),
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Network, NetworkError> {
        Network::parse(text)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.base, self.prefix_bits)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
