//! The keys of a scheme: RLWE keys under the scheme's own types.

/// Implements what the keys of all schemes over RLWE have in common: making keys and sealing them, requests for evaluation keys, and
/// the choice of the key to encrypt under.
///
/// Where it is called there are
///
/// * the types of the scheme: `SecretKey`, `PublicKey` and `EvaluationKeys`, each with the fields `params`, of type `Parameters`, and
///   `inner`, the key of RLWE; `KeyRequest(`[`rlwe::KeyRequest`](crate::rlwe::KeyRequest)`)`; and `Encryptor<'k>` with the field
///   `key: EncryptionKey<'k>`, which is defined here;
/// * the methods `rlwe`, `max_level` and `header(Kind)` of `Parameters`, and an `Error` made from
///   [`SampleError`](crate::ring::sample::SampleError) and [`OperandError`](crate::rlwe::OperandError);
/// * `Plaintext`, `Ciphertext`, `SeededCiphertext` with `expand`, and the methods `SecretKey::encrypt_seeded(&Plaintext, level)`
///   and `PublicKey::encrypt_at(&Plaintext, level)`, which know how a plaintext is put into a polynomial.
#[macro_export]
macro_rules! scheme_keys {
    () => {
        impl SecretKey {
            /// Draws a key.
            ///
            /// # Errors
            /// If the operating system gives no randomness.
            pub fn generate(params: &Parameters) -> Result<Self, Error> {
                let inner = $crate::rlwe::SecretKey::generate(params.rlwe())?;
                Ok(Self { params: params.clone(), inner })
            }

            /// The parameters.
            pub fn params(&self) -> &Parameters {
                &self.params
            }

            /// The identifier of the secret, which is public: all keys made from it and all ciphertexts under it carry it.
            pub fn secret_id(&self) -> $crate::rlwe::SecretId {
                self.inner.secret_id()
            }

            /// The RLWE key.
            pub fn inner(&self) -> &$crate::rlwe::SecretKey {
                &self.inner
            }

            /// A public key.
            ///
            /// # Errors
            /// If the operating system gives no randomness.
            pub fn public_key(&self) -> Result<PublicKey, Error> {
                Ok(PublicKey { params: self.params.clone(), inner: self.inner.public_key()? })
            }

            /// Evaluation keys for the operations of a circuit.
            ///
            /// # Errors
            /// If the request names a level above the whole chain or an element that is no automorphism, there are no special
            /// primes, or the operating system gives no randomness.
            pub fn evaluation_keys(&self, request: &KeyRequest) -> Result<EvaluationKeys, Error> {
                request.0.check(self.params.rlwe())?;
                Ok(EvaluationKeys { params: self.params.clone(), inner: request.0.make(&self.inner)? })
            }

            /// The key as bytes: the only way in which it leaves memory.
            pub fn to_secret_bytes(&self) -> ::zeroize::Zeroizing<Vec<u8>> {
                self.inner.to_secret_bytes()
            }

            /// Reads a key back.
            ///
            /// # Errors
            /// If the bytes are damaged or belong to other parameters.
            pub fn from_secret_bytes(
                params: &Parameters,
                bytes: &[u8],
            ) -> Result<Self, $crate::wire::WireError> {
                let inner = $crate::rlwe::SecretKey::from_secret_bytes(params.rlwe(), bytes)?;
                Ok(Self { params: params.clone(), inner })
            }
        }

        impl PublicKey {
            /// Bytes of a public key as it is sent, [`to_bytes`](Self::to_bytes), before it is made.
            pub fn sealed_bytes(params: &Parameters) -> usize {
                let envelope = $crate::wire::HEADER_BYTES + $crate::wire::DIGEST_BYTES;
                envelope + $crate::rlwe::sealed::public_key_bytes(params.rlwe())
            }

            /// The identifier of the secret.
            pub fn secret_id(&self) -> $crate::rlwe::SecretId {
                self.inner.secret_id()
            }

            /// The key, sealed.
            ///
            /// # Errors
            /// Never for a key that was made.
            pub fn to_bytes(&self) -> Result<Vec<u8>, $crate::wire::WireError> {
                let header = self.params.header($crate::rlwe::object::Kind::PublicKey);
                $crate::rlwe::sealed::seal_public_key(&header, &self.inner)
            }

            /// Opens a sealed key.
            ///
            /// # Errors
            /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
            pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, $crate::wire::WireError> {
                let header = params.header($crate::rlwe::object::Kind::PublicKey);
                let inner = $crate::rlwe::sealed::open_public_key(&header, params.rlwe(), bytes)?;
                Ok(Self { params: params.clone(), inner })
            }
        }

        impl EvaluationKeys {
            /// No keys, of no secret: enough for sums and plain products.
            pub fn none(params: &Parameters) -> Self {
                let inner = $crate::rlwe::EvaluationKeys::none(params.rlwe());
                Self { params: params.clone(), inner }
            }

            /// The identifier of the secret; none if there are [no keys](Self::none).
            pub fn secret_id(&self) -> Option<$crate::rlwe::SecretId> {
                self.inner.secret_id()
            }

            /// The keys, sealed, in seeded form.
            ///
            /// # Errors
            /// Never for keys that were made.
            pub fn to_bytes(&self) -> Result<Vec<u8>, $crate::wire::WireError> {
                let header = self.params.header($crate::rlwe::object::Kind::EvaluationKeys);
                $crate::rlwe::sealed::seal_evaluation_keys(&header, &self.inner)
            }

            /// Opens sealed keys.
            ///
            /// # Errors
            /// If the bytes are truncated, altered, of another kind, or belong to other parameters.
            pub fn from_bytes(params: &Parameters, bytes: &[u8]) -> Result<Self, $crate::wire::WireError> {
                let header = params.header($crate::rlwe::object::Kind::EvaluationKeys);
                let inner = $crate::rlwe::sealed::open_evaluation_keys(&header, params.rlwe(), bytes)?;
                Ok(Self { params: params.clone(), inner })
            }

            /// As [`from_bytes`](Self::from_bytes), of keys that are read piece by piece, to the end of `from`: hashed and expanded
            /// as they come, so that their bytes are never in memory beside the keys.
            ///
            /// # Errors
            /// As [`from_bytes`](Self::from_bytes), and if reading fails.
            pub fn read_from(
                params: &Parameters,
                from: impl ::std::io::Read,
            ) -> Result<Self, $crate::wire::WireError> {
                let header = params.header($crate::rlwe::object::Kind::EvaluationKeys);
                let inner = $crate::rlwe::sealed::open_evaluation_keys_from(&header, params.rlwe(), from)?;
                Ok(Self { params: params.clone(), inner })
            }
        }

        impl EvaluationKeys {
            /// Opens sealed keys that must be those of a request, no more and no less: for a server that knows what it needs.
            ///
            /// # Errors
            /// As [`from_bytes`](Self::from_bytes); also if the request names a level above the whole chain, or a key is missing
            /// or not asked for.
            pub fn requested(
                params: &Parameters,
                request: &KeyRequest,
                bytes: &[u8],
            ) -> Result<Self, $crate::wire::WireError> {
                let header = params.header($crate::rlwe::object::Kind::EvaluationKeys);
                let inner =
                    $crate::rlwe::sealed::open_requested_keys(&header, params.rlwe(), &request.0, bytes)?;
                Ok(Self { params: params.clone(), inner })
            }

            /// As [`requested`](Self::requested), of keys that are read piece by piece, as by [`read_from`](Self::read_from).
            ///
            /// # Errors
            /// As [`requested`](Self::requested), and if reading fails.
            pub fn requested_from(
                params: &Parameters,
                request: &KeyRequest,
                from: impl ::std::io::Read,
            ) -> Result<Self, $crate::wire::WireError> {
                let header = params.header($crate::rlwe::object::Kind::EvaluationKeys);
                let rlwe = params.rlwe();
                let inner =
                    $crate::rlwe::sealed::open_requested_keys_from(&header, rlwe, &request.0, from)?;
                Ok(Self { params: params.clone(), inner })
            }
        }

        impl KeyRequest {
            /// A relinearization key for products up to `level`.
            #[must_use]
            pub fn relinearization(mut self, level: usize) -> Self {
                self.0.relinearization(level);
                self
            }

            /// Bytes of the keys that are asked for as they are sent, [`EvaluationKeys::to_bytes`], before any is made.
            ///
            /// # Errors
            /// If the request names a level above the whole chain or an element that is no automorphism, or there are no special
            /// primes.
            pub fn sealed_bytes(&self, params: &Parameters) -> Result<usize, Error> {
                self.0.check(params.rlwe())?;
                let envelope = $crate::wire::HEADER_BYTES + $crate::wire::DIGEST_BYTES;
                Ok(envelope + $crate::rlwe::sealed::requested_keys_bytes(params.rlwe(), &self.0))
            }

            /// The keys of this request and those of another.
            #[must_use]
            pub fn and(mut self, other: &Self) -> Self {
                self.0.extend(&other.0);
                self
            }
        }

        enum EncryptionKey<'k> {
            Secret(&'k SecretKey),
            Public(&'k PublicKey),
        }

        impl<'k> Encryptor<'k> {
            /// Under a secret key: less noise, and ciphertexts that can be sent in seeded form.
            pub fn with_secret(key: &'k SecretKey) -> Self {
                Self { key: EncryptionKey::Secret(key) }
            }

            /// Under a public key.
            pub fn with_public(key: &'k PublicKey) -> Self {
                Self { key: EncryptionKey::Public(key) }
            }

            /// Encrypts at the highest level, [`Parameters::max_level`].
            ///
            /// # Errors
            /// If the plaintext belongs to other parameters or does not fit, or the operating system gives no randomness.
            pub fn encrypt(&self, plaintext: &Plaintext) -> Result<Ciphertext, Error> {
                let params = match self.key {
                    EncryptionKey::Secret(key) => &key.params,
                    EncryptionKey::Public(key) => &key.params,
                };
                self.encrypt_at(plaintext, params.max_level())
            }

            /// Encrypts each of several plaintexts, such as the parts of a vector that is longer than a ciphertext.
            ///
            /// # Errors
            /// As [`encrypt`](Self::encrypt).
            pub fn encrypt_all(&self, plaintexts: &[Plaintext]) -> Result<Vec<Ciphertext>, Error> {
                plaintexts.iter().map(|plaintext| self.encrypt(plaintext)).collect()
            }

            /// Encrypts at a level, over the primes `q_0, …, q_level`.
            ///
            /// # Errors
            /// As [`encrypt`](Self::encrypt); also if the level is above [`Parameters::max_level`].
            pub fn encrypt_at(&self, plaintext: &Plaintext, level: usize) -> Result<Ciphertext, Error> {
                match self.key {
                    EncryptionKey::Secret(key) => Ok(key.encrypt_seeded(plaintext, level)?.expand()),
                    EncryptionKey::Public(key) => key.encrypt_at(plaintext, level),
                }
            }
        }

        $crate::brief_debug!(PublicKey: |key| params = key.params, secret_id = key.secret_id());

        $crate::brief_debug!(EvaluationKeys: |keys| params = keys.params, inner = keys.inner);

        $crate::brief_debug!(['k] Encryptor<'k>: |encryptor|
            secret_id = match encryptor.key {
                EncryptionKey::Secret(key) => key.secret_id(),
                EncryptionKey::Public(key) => key.secret_id(),
            }
        );
    };
}
