// What does it sound like? Two notes, in the tone and as loud as somebody chose.

const TONES = {
  chime: { message: [660, 880], attention: [880, 660], wave: "sine", gap: 0.12 },
  bell: { message: [988, 1319], attention: [1319, 988], wave: "triangle", gap: 0.16 },
  knock: { message: [196, 196], attention: [247, 196], wave: "square", gap: 0.14 },
};
const LOUDEST = 0.24;

export function playTone(audio, { sound, tone, volume }) {
  const peak = (LOUDEST * volume) / 100;
  if (!(peak > 0.0001)) return;
  const chosen = TONES[tone] ?? TONES.chime;
  const pitches = chosen[sound] ?? chosen.message;
  for (const [i, pitch] of pitches.entries()) {
    note(audio, { pitch, peak, wave: chosen.wave, start: audio.currentTime + i * chosen.gap });
  }
}

function note(audio, { pitch, peak, wave, start }) {
  const source = audio.createOscillator();
  const gain = audio.createGain();
  source.type = wave;
  source.frequency.value = pitch;
  gain.gain.setValueAtTime(0.0001, start);
  gain.gain.exponentialRampToValueAtTime(peak, start + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.22);
  source.connect(gain).connect(audio.destination);
  source.start(start);
  source.stop(start + 0.25);
}
